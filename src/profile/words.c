/* words.c - names taken apart, and what their words speak of in a dozen languages. */
#include "profile/profile_internal.h"

#include <string.h>

/* Letters with marks, as the two bytes of their UTF-8, and what stands for them. */
static const struct {
    unsigned char second; /* after 0xC3 */
    const char *plain;
} latin[] = {
    {0x80, "a"}, {0x81, "a"},  {0x82, "a"}, {0x84, "a"}, {0x87, "c"}, {0x88, "e"}, {0x89, "e"},
    {0x8A, "e"}, {0x8B, "e"},  {0x8D, "i"}, {0x8E, "i"}, {0x8F, "i"}, {0x91, "n"}, {0x93, "o"},
    {0x94, "o"}, {0x96, "o"},  {0x99, "u"}, {0x9A, "u"}, {0x9B, "u"}, {0x9C, "u"}, {0x9F, "ss"},
    {0xA0, "a"}, {0xA1, "a"},  {0xA2, "a"}, {0xA4, "a"}, {0xA7, "c"}, {0xA8, "e"}, {0xA9, "e"},
    {0xAA, "e"}, {0xAB, "e"},  {0xAD, "i"}, {0xAE, "i"}, {0xAF, "i"}, {0xB1, "n"}, {0xB3, "o"},
    {0xB4, "o"}, {0xB6, "o"},  {0xB9, "u"}, {0xBA, "u"}, {0xBB, "u"}, {0xBC, "u"}, {0x83, "a"},
    {0x85, "a"}, {0x86, "ae"}, {0x8C, "i"}, {0x92, "o"}, {0x95, "o"}, {0x98, "o"}, {0xA3, "a"},
    {0xA5, "a"}, {0xA6, "ae"}, {0xAC, "i"}, {0xB2, "o"}, {0xB5, "o"}, {0xB8, "o"}};

/* Polish ones, as both bytes. */
static const struct {
    unsigned char first, second;
    const char *plain;
} polish[] = {{0xC4, 0x84, "a"}, {0xC4, 0x85, "a"}, {0xC4, 0x86, "c"}, {0xC4, 0x87, "c"},
              {0xC4, 0x98, "e"}, {0xC4, 0x99, "e"}, {0xC5, 0x81, "l"}, {0xC5, 0x82, "l"},
              {0xC5, 0x83, "n"}, {0xC5, 0x84, "n"}, {0xC5, 0x9A, "s"}, {0xC5, 0x9B, "s"},
              {0xC5, 0xB9, "z"}, {0xC5, 0xBA, "z"}, {0xC5, 0xBB, "z"}, {0xC5, 0xBC, "z"}};

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
        } else if ((unsigned char)c == 0xC4 || (unsigned char)c == 0xC5) {
            for (size_t k = 0; k < COUNT_OF(polish); k++)
                if (polish[k].first == (unsigned char)c && polish[k].second == (unsigned char)after)
                    plain = polish[k].plain;
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
    [WORD_ID] = "id ids riferimento lobenr lopenr lbnr key no nr num number numero nummer "
                "ref reference referenz referencia uuid "
                "guid identifiant identificador kennung kennzahl schlussel schluessel clave iban "
                "code codigo *nummer *nodeid *userid *customerid *accountid *clientid",
    [WORD_CUSTOMER] =
        "customer client cliente kunde kunden user account acct acc konto compte cuenta "
        "holder titulaire titular inhaber member party node person *kunde *konto "
        "*customer *compte *cuenta *account owner abonne socio klient klant kunder",
    [WORD_TRANSACTION] =
        "transaction transactions tx txn trx tran trans transfer operation op buchung "
        "umsatz movimiento mouvement payment event booking virement ecriture beleg "
        "apunte *buchung *umsatz *transaction *operation *operacion movimento "
        "operazione bonifico transazione transaktion overforsel lbnr transactie "
        "transakcja",
    [WORD_AMOUNT] = "amount amt value montant betrag importe monto sum summe somme valeur cantidad "
                    "total wert *betrag *amount *montant importo belob belop bedrag kwota valor",
    [WORD_DEBIT] = "debit debits soll cargo cargos debe sortie sorties withdrawal withdrawals out "
                   "dr belastung salida retrait lastschrift ausgang *belastung *debit",
    [WORD_CREDIT] = "credit credits haben abono abonos haber entree entrees deposit deposits in cr "
                    "gutschrift entrada depot eingang *gutschrift",
    [WORD_DIRECTION] = "direction sens richtung sentido sign signe dc crdr drcr side flow "
                       "vorzeichen inout sh *richtung",
    [WORD_STATE] = "state status statut etat zustand estado situation stato tilstand toestand stan "
                   "situacao estatus *status *statut",
    [WORD_TYPE] = "type kind channel canal kanal category categorie kategorie categoria art tipo "
                  "method mode moyen medio product produit produkt nature *umsatzart *buchungsart "
                  "*zahlungsart canale soort rodzaj slag typ prodotto",
    [WORD_CURRENCY] = "currency ccy devise waehrung wahrung moneda divisa cur monnaie *waehrung "
                      "*wahrung *currency valuta waluta",
    [WORD_TIME] = "time date datetime timestamp ts at day jour tag datum zeit fecha hora heure "
                  "horodatage when step on dt *datum *timestamp *zeitpunkt *fecha *date ora "
                  "giorno tidspunkt dato data czas",
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
    [WORD_LABEL] = "label fraud fraude betrug suspended suspendu gesperrt suspendido blocked "
                   "bloque bloqueado default defaulted impago moroso ausfall risky sar mule "
                   "outcome offboarded closed ferme suspicious suspect verdacht sospechoso "
                   "laundering aml bad class target y exited churn churned attrition fraudster "
                   "scam scammer resultat ergebnis resultado *fraud *gesperrt *betrug *suspend "
                   "*default *sospech frode frodi esito riciclaggio antiriciclaggio bedrageri "
                   "hvidvask svindel bedrog witwassen oszustwo *frode *hvidvask *bedrager *svindel "
                   "*hvitvask *penningtvatt *riciclag",
    [WORD_GOOD] =
        "good standing active actif activo attivo aktiv legit genuine trusted retained ok "
        "clean solvent",
    [WORD_OUTCOME] =
        "fraud fraude betrug suspension closure closed close cloture fermeture cierre "
        "baja mule mulet sar str alert alerte alerta investigation enquete ermittlung "
        "chargeback recovery recouvrement mahnung dunning exit offboard offboarding "
        "terminated termination resiliation kuendigung kundigung blocage blocked block "
        "*fraud *suspen *sperr *bloq *clotur *kuendig *kundig *schliess frode recesso "
        "riciclaggio uif segnalazione segnalazioni bedrageri hvidvask svindel spaerret "
        "lukket lukning opsagt afsluttet *hvidvask *bedrager *riciclag *spaer *oppsagt "
        "*avslut chiusura blocco",
    [WORD_LAST] = "last latest letzte letzter letztes dernier derniere ultimo ultima recent "
                  "*letzt",
    [WORD_BALANCE] = "balance saldo solde bal *saldo kontostand",
    [WORD_BUSINESS] =
        "plan tier segment os device platform app browser package tariff tarif abo risk "
        "rating score class grade model version brand signup onboarding kyc "
        "verification level bucket branch filiale agence agenzia sportello product "
        "offer campaign referral tenure limit score active activity login logins ticket "
        "tickets standing",
    [WORD_GENDER] =
        "gender sex sexe male female geschlecht genero sexo civilite anrede salutation "
        "tratamiento *geschlecht *gender appellativo sesso genere kon koen kjonn kjoenn "
        "geslacht aanhef plec titolo_cortesia sukupuoli *geslacht *kjonn",
    [WORD_AGE] = "age alter edad dob birth naissance geburt nacimiento birthday born birthdate "
                 "birthyear geboren geb nac naiss yob *geburt *birth *naissance *nacimiento eta "
                 "nascita nasc nato nata alder fodt fodselsdato fodelsedatum leeftijd geboorte "
                 "idade nascimento wiek urodzenia urodz *nascita *nascimento *fodsel *foedsel "
                 "*fodelse *geboorte *leeftijd *urodz",
    [WORD_RESIDENCE] =
        "residence country pays land pais postcode postal zip zipcode plz postleitzahl "
        "cp city ville ort wohnort ciudad town region departement province bundesland "
        "provincia address adresse direccion strasse rue calle commune municipality "
        "municipio domicile wohnsitz domicilio lat lon latitude longitude phone "
        "telephone telefon telefono mobile indicatif ip district county comunidad "
        "canton kanton *wohn *postal *postcode *zipcode *residen *telefon *country prov "
        "citta comune cap indirizzo paese regione localita cellulare cidade morada "
        "freguesia concelho distrito endereco cep uf bairro postnr postnummer kommune "
        "kommun bopael adr fylke woonplaats gemeente plaats straat provincie miasto "
        "wojewodztwo gmina powiat ulica adres kraj dial msisdn_prefix *postnr "
        "*postnummer *kommune *bopael *woonplaats *pocztow *wojewod *bostad *indirizzo",
    [WORD_NATIONALITY] =
        "nationality nationalite nacionalidad citizenship citoyennete ciudadania "
        "passport passeport pasaporte reisepass issuing *staatsang *national *citizen "
        "*nationalitaet cittad cittadinanza nazionalita nacionalidade cidadania "
        "narodowosc obywatelstwo statsborgerskab *cittadin *nazional *statsborger "
        "*medborgar *obywatel",
    [WORD_LANGUAGE] = "language langue sprache idioma lengua locale lang *sprache *language lng "
                      "lingua sprog sprak spraak taal voertaal jezyk *sprog *sprak",
    [WORD_ETHNICITY] =
        "ethnicity ethnic race ethnie herkunft etnia raza ancestry *ethni etnico etnica "
        "etnisk razza raca rasa herkomst *etnisk *etnicz",
    [WORD_RELIGION] =
        "religion religious konfession faith confession kirchensteuer creencia *religi "
        "*konfession fede culto religione tro trossamfund kirke kyrka kirkeskat livssyn "
        "geloof godsdienst wyznanie religiao *trossam *livssyn *godsdienst *wyznani",
    [WORD_MARITAL] = "marital married marriage mariage ehe familienstand matrimonial civil "
                     "zivilstand matrimonio familiale *marital *familienstand civ stciv civilstand "
                     "civilstatus sivilstand sivilstatus coniugale coniugato cywilny *civilst "
                     "*sivilst *statocivil *burgerlijk *huwelijk",
    [WORD_FAMILY] = "children dependents dependants enfants kinder hijos enfant *kinder figli "
                    "carico filhos dependentes barn boern kinderen dzieci",
    [WORD_HEALTH] = "health disability disabled handicap sante gesundheit behinderung discapacidad "
                    "salud pregnant *gesundheit *disab salute disabilita invalidita helse sundhed "
                    "halsa gezondheid saude zdrowie *invalid",
    [WORD_OPINION] =
        "political politics party_affiliation politique syndicat union gewerkschaft "
        "sindicato orientation politico politica sindacato partito fagforening vakbond "
        "zwiazek",
    [WORD_ECONOMIC] =
        "occupation profession job beruf employment unemployed csp metier ocupacion "
        "empleo profesion education bildung estudios *beruf *arbeits *emploi attivita "
        "occupazione professione mestiere lavoro impiego erhverv stilling yrke beroep "
        "profissao ocupacao emprego zawod beskaeftigelse sysselsetting sysselsattning "
        "uddannelse utdanning *erhverv *yrke *beroep *zawod *beskaeft",
    [WORD_NAME] = "firstname prenom vorname nombre lastname nom nachname surname apellido "
                  "apellidos forename nome cognome fornavn efternavn etternavn fornamn efternamn "
                  "navn naam voornaam achternaam imie nazwisko apelido",
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
    [SAYS_BAD] = "suspended suspendu suspendue suspendido gesperrt blocked bloque bloquee "
                 "bloqueado bloqueada fraud fraude fraudulent betrug betrueger bad risky mule "
                 "closed_for_risk offboarded default defaulted impago moroso ausgefallen "
                 "terminated resilie rejected laundering suspicious suspect verdacht confirmed "
                 "sar malo schlecht mauvais frozen gele banned excluded exclu positive pos risk "
                 "risque riesgo risiko high_risk blacklisted frode frodi riciclaggio bedrageri "
                 "hvidvask svindel bedrag bedrog witwassen spaerret sperret sparrad bloccato "
                 "bloccata oszustwo zablokowany geblokkeerd fraudolento fraudulento lavado "
                 "lavagem penningtvatt hvitvasking udmeldt_bedrageri",
    [SAYS_GOOD] = "active actif active_account activo activa aktiv normal ok good legit "
                  "legitimate genuine clean clear open ouvert offen abierto sain gut bueno bon "
                  "negative neg no_fraud none retained regolare attivo attiva aperto normale "
                  "regular ativo ativa actief aktywny godkendt aktivna ordinario vigente "
                  "in_regola",
    [SAYS_IN] = "in credit cr c inbound incoming entree entrada eingang gutschrift haben h "
                "abono haber received receive deposit plus ein credito entrant entrata ind inn "
                "bij accredito",
    [SAYS_OUT] = "out debit dr d outbound outgoing sortie salida ausgang belastung soll s cargo "
                 "debe sent send withdrawal minus aus debito sortant lastschrift uscita ud ut af "
                 "addebito",
    [SAYS_DONE] = "completed complete done settled booked posted success successful succeeded ok "
                  "accepted approved executed execute executee termine terminee reussi gebucht "
                  "erledigt ausgefuehrt ausgefuhrt abgeschlossen completado completada ejecutada "
                  "ejecutado liquidada contabilizada cleared paid comptabilise validee valide "
                  "effectue effectuee eseguito eseguita contabilizzato completato completata "
                  "autorizzata autorizzato gennemfort bogfort gjennomfort bokfort genomford "
                  "voltooid uitgevoerd geboekt concluido concluida efetuada efetuado zrealizowana "
                  "zaksiegowana",
    [SAYS_FAILED] =
        "failed failure declined rejected refused error reversed cancelled canceled "
        "refunded returned echoue echouee rejete rejetee refuse refusee annule annulee "
        "abgelehnt fehlgeschlagen storniert fallida fallido rechazada rechazado anulada "
        "anulado devuelta expired expire nok ko respinto respinta rifiutato rifiutata "
        "negata stornato stornata annullato annullata fallito afvist annulleret "
        "tilbagefort mislykket avvist avbrutt misslyckad avvisad mislukt geweigerd "
        "geannuleerd rejeitada cancelada recusada falhou odrzucona anulowana",
    [SAYS_PENDING] = "pending processing authorised authorized open initiated created waiting "
                     "en_attente en_cours attente cours ausstehend offen vorgemerkt pendiente "
                     "en_curso in_progress held hold scheduled queued in_bearbeitung in_attesa "
                     "sospeso in_lavorazione in_corso afventer under_behandling ventende vantar "
                     "in_behandeling em_processamento oczekujaca",
    [SAYS_MALE] = "m male man homme h hombre mann maennlich mannlich masculin masculino mr herr "
                  "monsieur sr senor varon w d x divers other autre nb uomo maschio maschile "
                  "signor sig mand kar pan mezczyzna homem hr dhr heer mannelijk kille",
    [SAYS_FEMALE] =
        "f female woman femme mujer frau weiblich feminin femenino mrs ms miss mme mlle "
        "madame sra senora w k v donna femmina femminile signora sig_ra kvinde kvinne "
        "kvinna vrouw vrouwelijk mulher kobieta pani fru froken mevr mevrouw senhora",
    [SAYS_MARITAL] =
        "single married divorced widowed separated celibataire marie mariee divorce "
        "divorcee veuf veuve pacse pacsee ledig verheiratet geschieden verwitwet "
        "soltero soltera casado casada divorciado divorciada viudo viuda concubinage "
        "widow widower partnership celibe nubile coniugato coniugata divorziato "
        "divorziata vedovo vedova separato separata sposato sposata libero libera ugift "
        "gift skilt enke enkemand separeret samboende fraskilt samboer ogift skild "
        "frankskild franskild anka sambo gehuwd ongehuwd gescheiden weduwe weduwnaar "
        "alleenstaand samenwonend solteiro solteira viuvo viuva zonaty zamezna "
        "rozwiedziony rozwiedziona panna kawaler wdowa wdowiec",
    [SAYS_RELIGION] =
        "catholic protestant muslim jewish hindu buddhist christian orthodox atheist "
        "katholisch evangelisch muslimisch juedisch catholique musulman juif catolico "
        "musulmano judio islam roemisch_katholisch konfessionslos islamic islamico "
        "islamisk muslimsk moslim islamisch judaism judisch judaisme jodedom jodisk "
        "joods ebraico ebreo ebraismo cattolico cattolica katolsk katolicki katolik "
        "katholiek catolica christianity christendom christelijk cristiano cristiana "
        "kristen kristendom folkekirken folkekirke protestantsk protestantisch luthersk "
        "lutheran evangelico hinduism hinduisme buddhism buddhisme buddista buddisme "
        "ateist ateista ateo sikh sikhism ortodosso ortodokse prawoslawny hinduist "
        "muzulmanin",
    [SAYS_ETHNICITY] =
        "white black asian hispanic latino caucasian african mixed arab roma caribbean "
        "white_british black_african bianco nero asiatico",
    [SAYS_OCCUPATION] =
        "student unemployed retired etudiant etudiante chomeur retraite retraitee "
        "student_in arbeitslos rentner angestellter selbststaendig estudiante "
        "desempleado jubilado empleado self_employed employed salarie ouvrier cadre "
        "impiegato impiegata operaio operaia pensionato pensionata studente studentessa "
        "disoccupato disoccupata dirigente casalinga libero_professionista studerende "
        "pensionist arbejdslos lonmodtager selvstaendig arbeidsledig selvstendig "
        "arbetslos pensionar gepensioneerd werkloos werknemer zelfstandige reformado "
        "desempregado estudante emerytura emeryt bezrobotny",
    [SAYS_COUNTRY] =
        "ad ae af al am ao ar at au az ba bd be bf bg bh bi bj bo br bw by bz ca cd cf "
        "cg ch ci cl cm cn co cr cu cv cy cz de dj dk dm do dz ec ee eg es et fi fj fr "
        "ga gb ge gf gh gm gn gp gr gt gy hk hn hr ht hu id ie il in iq ir is it jm jo "
        "jp ke kg kh km kr kw kz la lb li lk lr ls lt lu lv ly ma mc md me mg mk ml mm "
        "mn mo mq mr mt mu mv mw mx my mz na nc ne ng ni nl no np nz om pa pe pf pg ph "
        "pk pl ps pt py qa re ro rs ru rw sa sc sd se sg si sk sl sn so sr sv sy td tg "
        "th tj tm tn tr tt tw tz ua ug uk us uy uz ve vn vu wf ws xk ye yt za zm zw fra "
        "deu esp ita gbr usa che bel nld prt aut pol rou mar dza tun sen civ cmr irl "
        "lux dnk swe nor fin grc tur rus ukr chn ind bra mex can france germany "
        "deutschland allemagne alemania spain espagne spanien espana italy italie "
        "italien italia belgium belgique belgien belgica switzerland suisse schweiz "
        "suiza portugal netherlands pays_bas niederlande austria autriche oesterreich "
        "osterreich poland pologne polen polonia morocco maroc marokko marruecos "
        "algeria algerie tunisia tunisie senegal romania roumanie rumaenien turkey "
        "turquie tuerkei turquia united_kingdom royaume_uni ireland irlande luxembourg "
        "ukraine russia colombia mexico argentina ecuador peru venezuela ai ag aq as ax "
        "aw bl bm bn bq bs bt bv cc ck cx er eh fk fm fo gd gg gi gl gq gs gu gw hm im "
        "io je ki kn ky mh mp ms nf nr nu pm pn pr pw sb sh sj st sx sz tc tf tk tl to "
        "tv um va vc vg vi afg ago alb and are arg arm aus aze bgd bgr bhr bih blr bol "
        "bfa bdi ben cod cog chl cub cze cyp ecu egy est eth geo gha gin gtm hnd hrv "
        "hun idn irn irq isl isr jam jor jpn kaz ken kgz khm kor kwt lbn lby lka ltu "
        "lva mda mdg mkd mli mlt mmr mne mng mrt mus mwi mys moz nam nga nic npl nzl "
        "omn pak pan per phl pry qat rwa sau sdn sgp slv som srb ssd svk svn syr tcd "
        "tgo tha tjk tkm tza uga ury uzb ven vnm yem zaf zmb zwe danmark sverige norge "
        "finland island tyskland polska niemcy germania francia spagna ucraina marocco "
        "albania cina dansk svensk norsk tysk polsk tyrkisk italiana italiano rumena "
        "rumeno albanese marocchina cinese",
    [SAYS_LANGUAGE] =
        "fr en de es it pt nl pl ro ar tr ru uk zh ja ko sv da fi el cs hu bg hr sk sl "
        "et lv lt ca eu gl vi hi fa he english french german spanish italian portuguese "
        "francais anglais allemand espagnol deutsch englisch franzoesisch spanisch "
        "espanol ingles frances aleman aa ab ae af ak am an as av ay az ba be bh bi bm "
        "bn bo br bs ce ch co cr cu cv cy dv dz ee eo ff fj fo fy ga gd gn gu gv ha ho "
        "ht hy hz ia id ie ig ii ik io is iu jv ka kg ki kj kk kl km kn kr ks ku kv kw "
        "ky la lb lg li ln lo lu mg mh mi mk ml mn mr ms mt my na nb nd ne ng nn no nr "
        "nv ny oc oj om or os pa pi ps qu rm rn rw sa sc sd se sg si sm sn so sq sr ss "
        "st su sw ta te tg th ti tk tl tn to ts tt tw ty ug ur uz ve vo wa wo xh yi yo "
        "za zu dansk svenska norsk italiano nederlands dutch polski polish portugues "
        "arabic turkish russian chinese swahili",
    [SAYS_CURRENCY] = "eur usd gbp chf pln ron sek nok dkk czk huf bgn jpy cny cad aud nzd try mad "
                      "tnd dzd xof xaf brl mxn cop ars clp pen inr rub uah zar ngn kes hkd sgd aed "
                      "ils sar thb idr php krw vnd egp isk rsd btc eth usdt usdc",
    [SAYS_BUSINESS] =
        "basic standard premium gold silver bronze platinum free pro plus business ios "
        "android windows web mobile app branch online email sms low medium high private "
        "retail corporate sportello filiale",
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
    bool ends = what == SAYS_BAD || what == SAYS_DONE || what == SAYS_FAILED ||
                what == SAYS_MARITAL || what == SAYS_RELIGION;
    return ends && speaks_plainly(plain, what);
}
