/* words.c - names taken apart, and what their words speak of in four languages. */
#include "profile/profile_internal.h"

#include <string.h>

/* Letters with marks, as the two bytes of their UTF-8, and what stands for them. */
static const struct {
    unsigned char second; /* after 0xC3 */
    const char *plain;
} latin[] = {{0x80, "a"}, {0x81, "a"}, {0x82, "a"},  {0x84, "a"}, {0x87, "c"}, {0x88, "e"},
             {0x89, "e"}, {0x8A, "e"}, {0x8B, "e"},  {0x8D, "i"}, {0x8E, "i"}, {0x8F, "i"},
             {0x91, "n"}, {0x93, "o"}, {0x94, "o"},  {0x96, "o"}, {0x99, "u"}, {0x9A, "u"},
             {0x9B, "u"}, {0x9C, "u"}, {0x9F, "ss"}, {0xA0, "a"}, {0xA1, "a"}, {0xA2, "a"},
             {0xA4, "a"}, {0xA7, "c"}, {0xA8, "e"},  {0xA9, "e"}, {0xAA, "e"}, {0xAB, "e"},
             {0xAD, "i"}, {0xAE, "i"}, {0xAF, "i"},  {0xB1, "n"}, {0xB3, "o"}, {0xB4, "o"},
             {0xB6, "o"}, {0xB9, "u"}, {0xBA, "u"},  {0xBB, "u"}, {0xBC, "u"}};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

Str words_plain(Arena *keep, Str text)
{
    Buffer b = buffer_new(keep);
    buffer_char(&b, ' ');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i], before = i > 0 ? text.data[i - 1] : ' ';
        char after = i + 1 < text.size ? text.data[i + 1] : ' ';
        const char *plain = NULL;
        if ((unsigned char)c == 0xC3 && i + 1 < text.size) {
            for (size_t k = 0; k < COUNT_OF(latin); k++)
                if (latin[k].second == (unsigned char)after)
                    plain = latin[k].plain;
            i++;
        } else if ((unsigned char)c == 0xC5 && (unsigned char)after >= 0x92 &&
                   (unsigned char)after <= 0x93) {
            plain = "oe";
            i++;
        }
        bool hump = is_upper(c) &&
                    (is_lower(before) || is_digit(before) || (is_upper(before) && is_lower(after)));
        bool count = is_digit(c) != is_digit(before) && before != ' ' && i > 0;
        if ((hump || (count && (is_digit(c) || is_digit(before)))) && b.data[b.size - 1] != ' ')
            buffer_char(&b, ' ');
        if (plain != NULL)
            buffer_add(&b, str_from(plain));
        else if (is_upper(c))
            buffer_char(&b, (char)(c - 'A' + 'a'));
        else if (is_lower(c) || is_digit(c))
            buffer_char(&b, c);
        else if ((unsigned char)c < 0x80 && b.data[b.size - 1] != ' ')
            buffer_char(&b, ' ');
    }
    if (b.data[b.size - 1] != ' ')
        buffer_char(&b, ' ');
    return buffer_str(&b);
}

/* Words between spaces. A word that begins with * may stand anywhere inside a longer one, as
 * German puts them together. */
static const char *const vocabulary[] = {
    [WORD_ID] = "id ids key no nr num number numero nummer ref reference referenz referencia uuid "
                "guid identifiant identificador kennung kennzahl schlussel schluessel clave iban "
                "code codigo *nummer *nodeid *userid *customerid *accountid *clientid",
    [WORD_CUSTOMER] = "customer client cliente kunde kunden user account acct acc konto compte "
                      "cuenta holder titulaire titular inhaber member party node person *kunde "
                      "*konto *customer *compte *cuenta *account owner abonne socio",
    [WORD_TRANSACTION] = "transaction transactions tx txn trx tran trans transfer operation op "
                         "buchung umsatz movimiento mouvement payment event booking virement "
                         "ecriture beleg apunte *buchung *umsatz *transaction *operation "
                         "*operacion",
    [WORD_AMOUNT] = "amount amt value montant betrag importe monto sum summe somme valeur cantidad "
                    "total wert *betrag *amount *montant",
    [WORD_DEBIT] = "debit debits soll cargo cargos debe sortie sorties withdrawal withdrawals out "
                   "dr belastung salida retrait lastschrift ausgang *belastung *debit",
    [WORD_CREDIT] = "credit credits haben abono abonos haber entree entrees deposit deposits in cr "
                    "gutschrift entrada depot eingang *gutschrift",
    [WORD_DIRECTION] = "direction sens richtung sentido sign signe dc crdr drcr side flow "
                       "vorzeichen inout sh *richtung",
    [WORD_STATE] = "state status statut etat zustand estado situation",
    [WORD_TYPE] = "type kind channel canal kanal category categorie kategorie categoria art tipo "
                  "method mode moyen medio product produit produkt nature *umsatzart *buchungsart "
                  "*zahlungsart",
    [WORD_CURRENCY] = "currency ccy devise waehrung wahrung moneda divisa cur monnaie *waehrung "
                      "*wahrung *currency",
    [WORD_TIME] = "time date datetime timestamp ts at day jour tag datum zeit fecha hora heure "
                  "horodatage when step on dt *datum *timestamp *zeitpunkt *fecha *date",
    [WORD_CREATED] = "created begun booked posted started initiated creation created_at occurred "
                     "buchung operation transaction saisie *buchungs *erstell begin",
    [WORD_COMPLETED] = "completed completion settled settlement valuta wertstellung valeur value "
                       "finished ended cleared reglement liquidacion updated valor *valuta "
                       "*wertstellung",
    [WORD_SOURCE] = "source src from sender orig origin originator debtor payer emetteur "
                    "expediteur donneur origen emisor ordenante von absender auftraggeber quelle "
                    "sending *sender *source *absender *auftraggeber",
    [WORD_TARGET] = "target tgt to dest destination receiver recipient beneficiary creditor payee "
                    "bene destinataire beneficiaire destino receptor beneficiario an empfaenger "
                    "empfanger beguenstigter ziel receiving *target *empfaenger *empfanger "
                    "*beneficiar *receiver",
    [WORD_PARTNER] = "partner counterparty counterpart contrepartie tiers gegenpartei gegenkonto "
                     "contraparte merchant marchand haendler handler comercio other peer "
                     "*counterpart *gegenkonto *contrepart",
    [WORD_LABEL] =
        "label fraud fraude betrug suspended suspendu gesperrt suspendido blocked "
        "bloque bloqueado default defaulted impago moroso ausfall risky sar mule "
        "outcome offboarded closed ferme suspicious suspect verdacht sospechoso "
        "laundering aml bad class target y exited churn churned attrition fraudster scam scammer "
        "resultat ergebnis resultado *fraud *gesperrt *betrug *suspend *default "
        "*sospech",
    [WORD_OUTCOME] = "fraud fraude betrug suspension closure closed close cloture fermeture "
                     "cierre baja mule mulet sar str alert alerte alerta investigation enquete "
                     "ermittlung chargeback recovery recouvrement mahnung dunning exit offboard "
                     "offboarding terminated termination resiliation kuendigung kundigung blocage "
                     "blocked block *fraud *suspen *sperr *bloq "
                     "*clotur *kuendig *kundig *schliess",
    [WORD_LAST] = "last latest letzte letzter letztes dernier derniere ultimo ultima recent "
                  "*letzt",
    [WORD_BALANCE] = "balance saldo solde bal *saldo kontostand",
    [WORD_GENDER] = "gender sex sexe male female geschlecht genero sexo civilite anrede salutation "
                    "tratamiento *geschlecht *gender",
    [WORD_AGE] = "age alter edad dob birth naissance geburt nacimiento birthday born birthdate "
                 "birthyear geboren geb nac naiss yob *geburt *birth *naissance *nacimiento",
    [WORD_RESIDENCE] =
        "residence country pays land pais postcode postal zip zipcode plz "
        "postleitzahl cp city ville ort wohnort ciudad town region departement "
        "province bundesland provincia address adresse direccion strasse rue "
        "calle commune municipality municipio domicile wohnsitz domicilio lat lon "
        "latitude longitude phone telephone telefon telefono mobile indicatif ip "
        "district county comunidad canton kanton *wohn *postal *postcode *zipcode *residen "
        "*telefon "
        "*country",
    [WORD_NATIONALITY] = "nationality nationalite nacionalidad citizenship citoyennete ciudadania "
                         "passport passeport pasaporte reisepass issuing *staatsang *national "
                         "*citizen *nationalitaet",
    [WORD_LANGUAGE] = "language langue sprache idioma lengua locale lang *sprache *language",
    [WORD_ETHNICITY] = "ethnicity ethnic race ethnie herkunft etnia raza ancestry *ethni",
    [WORD_RELIGION] = "religion religious konfession faith confession kirchensteuer creencia "
                      "*religi *konfession",
    [WORD_MARITAL] = "marital married marriage mariage ehe familienstand matrimonial civil "
                     "zivilstand matrimonio "
                     "familiale *marital *familienstand",
    [WORD_FAMILY] = "children dependents dependants enfants kinder hijos enfant *kinder",
    [WORD_HEALTH] = "health disability disabled handicap sante gesundheit behinderung "
                    "discapacidad salud pregnant *gesundheit *disab",
    [WORD_OPINION] = "political politics party_affiliation politique syndicat union gewerkschaft "
                     "sindicato orientation",
    [WORD_ECONOMIC] = "occupation profession job beruf employment unemployed csp metier ocupacion "
                      "empleo profesion education bildung estudios *beruf *arbeits *emploi",
    [WORD_NAME] = "firstname prenom vorname nombre lastname nom nachname surname apellido "
                  "apellidos forename",
};

static bool is_word(Str plain, Str word)
{
    for (size_t i = 0; i + word.size + 2 <= plain.size; i++)
        if (plain.data[i] == ' ' && memcmp(plain.data + i + 1, word.data, word.size) == 0 &&
            plain.data[i + 1 + word.size] == ' ')
            return true;
    return false;
}

/* The name without its spaces, for words that run over the places where it was taken apart. */
static bool is_part(Str plain, Str part)
{
    char joined[128];
    size_t size = 0;
    for (size_t i = 0; i < plain.size && size < sizeof joined; i++)
        if (plain.data[i] != ' ')
            joined[size++] = plain.data[i];
    return str_contains((Str){joined, size}, part);
}

/* Each word of a list between spaces, until none is left. */
static bool next_word(Str *list, Str *word)
{
    *list = str_trim(*list);
    size_t end = 0;
    while (end < list->size && list->data[end] != ' ')
        end++;
    *word = str_slice(*list, 0, end);
    *list = str_slice(*list, end, list->size);
    return word->size > 0;
}

uint64_t words_read(Str plain)
{
    uint64_t out = 0;
    for (size_t w = 0; w < COUNT_OF(vocabulary); w++) {
        Str list = str_from(vocabulary[w]), word;
        while (next_word(&list, &word)) {
            bool part = word.data[0] == '*';
            if (part ? is_part(plain, str_slice(word, 1, word.size)) : is_word(plain, word)) {
                out |= (uint64_t)1 << w;
                break;
            }
        }
    }
    return out;
}

/* What values say, as plain text; phrases are written with _ for the space. */
static const char *const sayings[] = {
    [SAYS_BAD] =
        "suspended suspendu suspendue suspendido gesperrt blocked bloque bloquee "
        "bloqueado bloqueada fraud fraude fraudulent betrug betrueger bad risky mule "
        "closed_for_risk offboarded default defaulted impago moroso ausgefallen "
        "terminated resilie rejected laundering suspicious suspect verdacht confirmed "
        "sar malo schlecht mauvais frozen gele banned excluded exclu positive pos risk risque "
        "riesgo risiko high_risk blacklisted",
    [SAYS_GOOD] = "active actif active_account activo activa aktiv normal ok good legit "
                  "legitimate genuine clean clear open ouvert offen abierto sain gut bueno bon "
                  "negative neg no_fraud none retained",
    [SAYS_IN] = "in credit cr c inbound incoming entree entrada eingang gutschrift haben h abono "
                "haber received receive deposit plus ein credito entrant",
    [SAYS_OUT] = "out debit dr d outbound outgoing sortie salida ausgang belastung soll s cargo "
                 "debe sent send withdrawal minus aus debito sortant lastschrift",
    [SAYS_DONE] = "completed complete done settled booked posted success successful succeeded ok "
                  "accepted approved executed execute executee termine terminee reussi gebucht "
                  "erledigt ausgefuehrt ausgefuhrt abgeschlossen completado completada ejecutada "
                  "ejecutado liquidada contabilizada cleared paid comptabilise validee valide "
                  "effectue effectuee",
    [SAYS_FAILED] = "failed failure declined rejected refused error reversed cancelled canceled "
                    "refunded returned echoue echouee rejete rejetee refuse refusee annule "
                    "annulee abgelehnt fehlgeschlagen storniert fallida fallido rechazada "
                    "rechazado anulada anulado devuelta expired expire nok ko",
    [SAYS_PENDING] = "pending processing authorised authorized open initiated created waiting "
                     "en_attente en_cours attente cours ausstehend offen vorgemerkt pendiente "
                     "en_curso in_progress held hold scheduled queued in_bearbeitung",
    [SAYS_MALE] = "m male man homme h hombre mann maennlich mannlich masculin masculino mr herr "
                  "monsieur sr senor varon w d x divers other autre nb",
    [SAYS_FEMALE] = "f female woman femme mujer frau weiblich feminin femenino mrs ms miss mme "
                    "mlle madame sra senora w",
    [SAYS_MARITAL] = "single married divorced widowed separated celibataire marie mariee divorce "
                     "divorcee veuf veuve pacse pacsee ledig verheiratet geschieden verwitwet "
                     "soltero soltera casado casada divorciado divorciada viudo viuda concubinage "
                     "widow widower partnership",
    [SAYS_RELIGION] = "catholic protestant muslim jewish hindu buddhist christian orthodox "
                      "atheist katholisch evangelisch muslimisch juedisch catholique musulman "
                      "juif catolico musulmano judio islam roemisch_katholisch konfessionslos",
    [SAYS_ETHNICITY] = "white black asian hispanic latino caucasian african mixed arab roma "
                       "caribbean white_british black_african",
    [SAYS_OCCUPATION] = "student unemployed retired etudiant etudiante chomeur retraite retraitee "
                        "student_in arbeitslos rentner angestellter selbststaendig estudiante "
                        "desempleado jubilado empleado self_employed employed salarie ouvrier "
                        "cadre",
    [SAYS_COUNTRY] =
        "ad ae af al am ao ar at au az ba bd be bf bg bh bi bj bo br bw by bz ca cd cf cg ch ci "
        "cl cm cn co cr cu cv cy cz de dj dk dm do dz ec ee eg es et fi fj fr ga gb ge gf gh gm gn "
        "gp gr gt gy hk hn hr ht hu id ie il in iq ir is it jm jo jp ke kg kh km kr kw kz la lb "
        "li lk lr ls lt lu lv ly ma mc md me mg mk ml mm mn mo mq mr mt mu mv mw mx my mz na nc "
        "ne ng ni nl no np nz om pa pe pf pg ph pk pl ps pt py qa re ro rs ru rw sa sc sd se sg "
        "si sk sl sn so sr sv sy td tg th tj tm tn tr tt tw tz ua ug uk us uy uz ve vn vu wf ws "
        "xk ye yt za zm zw "
        "fra deu esp ita gbr usa che bel nld prt aut pol rou mar dza tun sen civ cmr irl lux dnk "
        "swe nor fin grc tur rus ukr chn ind bra mex can "
        "france germany deutschland allemagne alemania spain espagne spanien espana italy italie "
        "italien italia belgium belgique belgien belgica switzerland suisse schweiz suiza "
        "portugal netherlands pays_bas niederlande austria autriche oesterreich osterreich "
        "poland pologne polen polonia morocco maroc marokko marruecos algeria algerie tunisia "
        "tunisie senegal romania roumanie rumaenien turkey turquie tuerkei turquia "
        "united_kingdom royaume_uni ireland irlande luxembourg ukraine russia colombia mexico "
        "argentina ecuador peru venezuela",
    [SAYS_LANGUAGE] = "fr en de es it pt nl pl ro ar tr ru uk zh ja ko sv da fi el cs hu bg hr sk "
                      "sl et lv lt ca eu gl vi hi fa he english french german spanish italian "
                      "portuguese francais anglais allemand espagnol deutsch englisch "
                      "franzoesisch spanisch espanol ingles frances aleman",
    [SAYS_CURRENCY] = "eur usd gbp chf pln ron sek nok dkk czk huf bgn jpy cny cad aud nzd try mad "
                      "tnd dzd xof xaf brl mxn cop ars clp pen inr rub uah zar ngn kes hkd sgd aed "
                      "ils sar thb idr php krw vnd egp isk rsd btc eth usdt usdc",
    [SAYS_NOTHING] = "na n_a null none nan nil nd n_d nc n_c unknown inconnu unbekannt "
                     "desconocido missing",
};

/* A value of several words says what one of them says, if none of them says no. */
static bool speaks_plainly(Str plain, Says what)
{
    enum { LETTERS = 4 };
    static const char *const denials[] = {"no",  "not", "non",   "pas",     "ohne", "kein",
                                          "sin", "un",  "nicht", "without", "low"};
    for (size_t i = 0; i < COUNT_OF(denials); i++)
        if (is_word(plain, str_from(denials[i])))
            return false;
    Str list = str_from(sayings[what]), word;
    while (next_word(&list, &word))
        if (word.size >= LETTERS && is_word(plain, word))
            return true;
    return false;
}

bool value_says(Str value, Says what, Arena scratch)
{
    if (value.size == 0 || value.size > 40)
        return false;
    if (what == SAYS_IN && str_equal(value, S("+")))
        return true;
    if (what == SAYS_OUT && str_equal(value, S("-")))
        return true;
    /* Codes are a matter of case: FR is a country, fr a language. */
    if (what == SAYS_COUNTRY && value.size == 2 &&
        (!is_upper(value.data[0]) || !is_upper(value.data[1])))
        return false;
    if (what == SAYS_LANGUAGE && value.size == 2 && is_upper(value.data[0]))
        return false;
    if (what == SAYS_CURRENCY && (value.size < 3 || value.size > 4 || !is_upper(value.data[0])))
        return false;
    if (what == SAYS_NOTHING && (str_equal(value, S("-")) || str_equal(value, S("?"))))
        return true;
    Str plain = words_plain(&scratch, value);
    char *phrase = ARENA_ARRAY(&scratch, char, plain.size + 1);
    size_t size = 0;
    for (size_t i = 1; i + 1 < plain.size; i++) /* without the outer spaces */
        phrase[size++] = plain.data[i] == ' ' ? '_' : plain.data[i];
    Str list = str_from(sayings[what]), word;
    while (next_word(&list, &word))
        if (str_equal(word, (Str){phrase, size}))
            return true;
    bool ends = what == SAYS_BAD || what == SAYS_DONE || what == SAYS_FAILED;
    return ends && speaks_plainly(plain, what);
}
