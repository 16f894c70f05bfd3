/* tree.h - the tree inside an Expr. For this room only.
 *
 * text → tokens (lex.c) → nodes (parse.c, which puts definitions in) → types (check.c) →
 * canonical text (text.c) and columns (evaluate.c). A node remembers the text it came from,
 * so that an error inside a definition points into the definition.
 */
#ifndef LANG_TREE_H
#define LANG_TREE_H

#include "lang/lang.h"

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
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_NEGATE,
    NODE_ABS,
    NODE_LOG1P,
    NODE_LEAST,
    NODE_GREATEST,
    NODE_COALESCE
} NodeKind;

typedef struct Node Node;

/* An aggregate as it was written; `finished` is what the door shows of it. */
typedef struct Call {
    AggregateKind kind;
    Node *argument, *filter, *base; /* NULL when not written */
    int64_t within_us;
    bool has_window;
    Window window;
    size_t index; /* in the expression's list */
} Call;

struct Node {
    NodeKind kind;
    int height;
    Type type;
    int scale;
    const Source *source;
    size_t offset;
    size_t count;
    Node **child;
    int64_t integer;        /* BOOLEAN, NUMBER, DURATION, TIME */
    Str text;               /* STRING */
    const Name *name;       /* NAME */
    Dictionary *dictionary; /* STRING: its one value */
    Call *call;             /* AGGREGATE */
};

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
    bool merges; /* a coalesce of strings needs a dictionary of its own */
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
    size_t nodes;
    size_t budget;
    bool inside; /* an aggregate */
    const Definition *open[LANG_NESTING];
    size_t opens;
} Parser;

/* Read one whole text into an untyped tree with definitions put in. */
MUST_USE Status lang_parse(Node **out, Parser *p, const Source *source);
/* Shared by parse.c and call.c. */
MUST_USE Status parser_any(Parser *p, Node **out); /* a whole expression, from `or` down */
MUST_USE Status parser_call(Parser *p, Node **out, const Token *name); /* after the bracket */
/* Expressions with commas between them up to the closing bracket, which is consumed. */
MUST_USE Status parser_list(Parser *p, NodeList *list);
MUST_USE Status parser_node(Parser *p, Node **out, NodeKind kind, size_t offset, size_t count,
                            Node *const *child);
MUST_USE Status parser_enter(Parser *p, size_t offset); /* one level deeper; p->depth-- leaves */
MUST_USE Status parser_take(Parser *p, const char *symbol, const char *what);
Status parser_expected(Parser *p, const char *what); /* "expected WHAT but found ..." */
Status parser_fail(Parser *p, size_t offset, const char *what);

/* Give every node its type, or say which operands do not go together. */
MUST_USE Status lang_check(Node *n, Arena *keep, const Scope *scope, const char *file, Error *err);

void node_print(Buffer *b, const Node *n);
void name_print(Buffer *b, Str name); /* in double quotes where needed */

/* From a checked tree to an Expr with its lists. */
Expr *expr_finish(Arena *keep, const Node *root, const char *file, Str amount);

/* Read a text that is one population function; *out is NULL, and nothing refused, when it does not
 * begin like one. */
MUST_USE Status population_read(Expr **out, Parser *p, const Source *source);
bool population_name(Str name);
Status population_misplaced(Parser *p, const Token *t);

/* Record an error at a byte of a source, and pass the status on. */
void source_place(Error *err, const char *file, const Source *source, size_t offset);
#define SOURCE_ERROR(err, file, source, offset, status, ...)                                       \
    (error_set((err), (status), __VA_ARGS__), source_place((err), (file), (source), (offset)),     \
     (status))

#define TYPE_TEXT_SIZE 32
const char *type_text(char out[TYPE_TEXT_SIZE], Type type, int scale); /* decimal(2) */

#endif
