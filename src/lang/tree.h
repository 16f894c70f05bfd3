/* tree.h - the tree inside an Expr. For this room only.
 *
 * text → tokens (lex.c) → nodes (parse.c, which puts definitions in) → types (check.c) →
 * canonical text (text.c) and columns (evaluate.c). A node remembers the text it came from,
 * so that an error inside a definition points into the definition.
 */
#ifndef LANG_TREE_H
#define LANG_TREE_H

#include "lang/lang.h"

#include <stdatomic.h>

/* Bounds on what one expression may cost, whatever a book says. */
#define LANG_NESTING 64      /* brackets, calls, not, minus, definitions in one another */
#define LANG_HEIGHT  256     /* of the tree, chains of + and * included */
#define LANG_NODES   10000   /* after definitions are put in */
#define LANG_BYTES   65536   /* of one text */
#define LANG_BUDGET  1048576 /* of all texts read for one expression */

/* A text and where it starts in its book. */
typedef struct Source {
    Str text;
    int64_t line, column;
} Source;

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED, /* "a name in double quotes" */
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_STRING,
    TOKEN_SYMBOL
} TokenKind;

typedef struct Token {
    TokenKind kind;
    size_t offset; /* of its first byte */
    Str raw;       /* as written */
    Str text;      /* of STRING and QUOTED: what it stands for */
} Token;

typedef struct Lexer {
    Arena *keep;
    const char *file;
    Error *err;
    const Source *source;
    size_t at;
    Token token; /* the one not yet consumed */
} Lexer;

/* Read the next token into l->token. */
MUST_USE Status lexer_next(Lexer *l);
bool lexer_word(const Lexer *l, const char *word); /* the token is this keyword, in any case */
bool lexer_symbol(const Lexer *l, const char *symbol);
bool lexer_reserved(Str word); /* a keyword that cannot be a bare name */
bool lexer_bare(Str name);     /* can be written without double quotes */

typedef enum NodeKind {
    NODE_NULL,
    NODE_BOOLEAN,
    NODE_NUMBER, /* int64 or decimal, exact */
    NODE_DURATION,
    NODE_TIME,
    NODE_STRING,
    NODE_NAME,
    NODE_AGGREGATE,
    NODE_OR,  /* two or more children */
    NODE_AND, /* two or more children */
    NODE_NOT,
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_IN, /* child 0 in the others */
    NODE_BETWEEN,
    NODE_IS_NULL,
    NODE_LIKE, /* child 1 is the pattern, a STRING */
    NODE_CASE, /* condition, value, condition, value, ..., [else] */
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_NEGATE,
    /* functions: from here on, in the order of the table in call.c */
    NODE_ABS,
    NODE_SIGN,
    NODE_FLOOR,
    NODE_CEIL,
    NODE_ROUND, /* child 1, when there is one, is a NUMBER: the digits */
    NODE_LOG,
    NODE_LOG1P,
    NODE_SQRT,
    NODE_EXP,
    NODE_MOD,
    NODE_NULLIF,
    NODE_LOWER,
    NODE_LENGTH,
    NODE_HOUR, /* of these three `integer` is the book's zone, microseconds east of UTC */
    NODE_WEEKDAY,
    NODE_DAY,
    NODE_LEAST,
    NODE_GREATEST,
    NODE_COALESCE
} NodeKind;

typedef struct Node Node;

/* What stands between an aggregate's brackets. */
typedef enum Shape {
    SHAPE_MAYBE,     /* [condition] */
    SHAPE_VALUE,     /* value [where condition] */
    SHAPE_FRACTION,  /* value, fraction [where condition] */
    SHAPE_CONDITION, /* condition */
    SHAPE_SHARE,     /* condition [where condition] */
    SHAPE_FLOW,      /* condition to condition within duration */
    SHAPE_DRAIN      /* condition to condition within duration, fraction */
} Shape;

typedef struct Form {
    Str name;
    AggregateKind kind;
    Shape shape;
    bool outer;  /* may stand outside aggregates: a value for each customer */
    bool nested; /* may stand inside one: a value for each transaction */
    bool within; /* and then takes `within` */
} Form;

const Form *lang_form(AggregateKind kind);
const char *function_name(NodeKind kind);

/* An aggregate as it was written; `finished` is what the door shows of it. */
typedef struct Call {
    const Form *form; /* by the name that was written */
    AggregateKind kind;
    Node *argument, *filter, *base; /* NULL when not written */
    int64_t within_us;              /* 0 when not written */
    int64_t fraction;               /* of PERCENTILE and DRAINED: fraction * 10^-fraction_scale */
    int fraction_scale;
    bool nested;
    bool has_window;
    Window window;
    size_t index; /* in the list of the expression it stands in */
} Call;

struct Node {
    NodeKind kind;
    int height;
    size_t size; /* nodes of the tree below, itself included: a shared part counts each time */
    Type type;
    int scale;
    const Source *source;
    size_t offset;
    size_t count;
    Node **child;
    int64_t integer;        /* BOOLEAN, NUMBER, DURATION, TIME */
    Str text;               /* STRING */
    const Name *name;       /* NAME */
    atomic_uint place;      /* NAME: find_column's */
    Dictionary *dictionary; /* STRING: its one value */
    Call *call;             /* AGGREGATE */
};

/* The tree laid flat for one row (flat.c, cell.c). */
typedef struct Flat Flat;

struct Expr {
    const Node *root;
    const char *file;
    Str text;
    const Aggregate *aggregate;
    size_t aggregates;
    const Str *name;
    size_t names;
    const Str *event_name;
    size_t event_names;
    const Population *population;
    bool merges;      /* strings put together here need a dictionary of their own */
    const Flat *flat; /* right behind it in memory; NULL: one row is a block like others */
};

typedef struct NodeList {
    Node **node;
    size_t count, capacity;
} NodeList;

typedef struct Parser {
    Lexer lexer;
    Arena *keep;
    const Scope *scope;
    const char *file;
    Error *err;
    int depth;
    size_t budget;
    int inside; /* how many aggregates */
    const Definition *open[LANG_NESTING];
    size_t opens;
} Parser;

/* Read one whole text into an untyped tree with definitions put in. */
MUST_USE Status lang_parse(Node **out, Parser *p, const Source *source);
/* Shared by parse.c and call.c. */
MUST_USE Status parser_any(Parser *p, Node **out); /* a whole expression, from `or` down */
MUST_USE Status parser_call(Parser *p, Node **out, const Token *name); /* after the bracket */
MUST_USE Status parser_case(Parser *p, Node **out);                    /* at the word case */
void nodes_push(Arena *keep, NodeList *list, Node *n);
/* Expressions with commas between them up to the closing bracket, which is consumed. */
MUST_USE Status parser_list(Parser *p, NodeList *list);
MUST_USE Status parser_node(Parser *p, Node **out, NodeKind kind, size_t offset, size_t count,
                            Node *const *child);
MUST_USE Status parser_enter(Parser *p, size_t offset); /* one level deeper; p->depth-- leaves */
MUST_USE Status parser_take(Parser *p, const char *symbol, const char *what);
Status parser_expected(Parser *p, const char *what); /* "expected WHAT but found ..." */
Status parser_fail(Parser *p, size_t offset, const char *what);

typedef struct Checker {
    Arena *keep;
    const Scope *scope;
    const char *file;
    Error *err;
} Checker;

/* Shared by check.c and check_call.c. */
MUST_USE Status check_aggregate(Checker *c, Node *n);
MUST_USE Status check_function(Checker *c, Node *n);
MUST_USE Status check_case(Checker *c, Node *n);
MUST_USE Status check_boolean(Checker *c, Node *n, const char *where);
MUST_USE Status check_comparable(Checker *c, const Node *at, Node *a, Node *b, bool order);
MUST_USE Status check_clash(Checker *c, const Node *n, const char *verb, const Node *a,
                            const Node *b);
bool node_is_number(const Node *n);
bool node_is_string(const Node *n);
bool node_is_instant(const Node *n);
bool node_is_null(const Node *n);
void node_adopt(Node *null, const Node *other);        /* null takes the type of what it meets */
void node_join(Node *n, const Node *a, const Node *b); /* the type that holds both numbers */

/* Give every node its type, or say which operands do not go together. */
MUST_USE Status lang_check(Node *n, Arena *keep, const Scope *scope, const char *file, Error *err);

void node_print(Buffer *b, const Node *n);
void name_print(Buffer *b, Str name); /* in double quotes where needed */

/* From a checked tree to an Expr with its lists. */
Expr *expr_finish(Arena *keep, const Node *root, const char *file, Str amount);

/* NULL where a part makes new strings, or has no form for one row.  Memory: keep. */
Flat *lang_flat(Arena *keep, const Node *root);

/* Read a text that is one population function; *out is NULL, and nothing refused, when it does not
 * begin like one. */
MUST_USE Status population_read(Expr **out, Parser *p, const Source *source);
bool population_name(Str name);
Status population_misplaced(Parser *p, const Token *t);

/* A book's expressions and sentences look for the same columns again and again, in tables of one
 * form: place is where the column stood the last time. Whoever finds another one there looks for
 * it, so it changes no result; threads read and write it relaxed. */
static inline const Column *find_column(atomic_uint *place, const Table *rows, Str name)
{
    const size_t guess = atomic_load_explicit(place, memory_order_relaxed);
    if (guess < rows->columns) {
        const Column *c = &rows->column[guess];
        if (c->name.size == name.size && (c->name.data == name.data || str_equal(c->name, name)))
            return c;
    }
    const Column *found = table_find(rows, name);
    if (found != NULL)
        atomic_store_explicit(place, (unsigned)(found - rows->column), memory_order_relaxed);
    return found;
}

/* Record an error at a byte of a source, and pass the status on. */
void source_place(Error *err, const char *file, const Source *source, size_t offset);
#define SOURCE_ERROR(err, file, source, offset, status, ...)                                       \
    (error_set((err), (status), __VA_ARGS__), source_place((err), (file), (source), (offset)),     \
     (status))

#define TYPE_TEXT_SIZE 32
const char *type_text(char out[TYPE_TEXT_SIZE], Type type, int scale); /* decimal(2) */
const char *node_type(char out[TYPE_TEXT_SIZE], const Node *n);

#define CHECK_FAIL(c, n, ...)                                                                      \
    SOURCE_ERROR((c)->err, (c)->file, (n)->source, (n)->offset, STATUS_FORMAT, __VA_ARGS__)

/* format.c: "80.2 %", where "80 %" would read like another share beside it. */
Str format_percent_tenths(Arena *arena, Language language, const Column *c, size_t row);

#endif
