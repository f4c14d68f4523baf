// Syntax of the .upg language. Newlines mean nothing; every clause and statement is led by a word, calls by a name and `(`.
// No statement or clause begins with ( [ . - or an infix word, so the end of one never needs a mark.
//
// Three rules keep it sound (docs/grammar.md):
//  - a new soft word goes into the lexer's list and into `name`; test/syntax/fuzz_grammar.py compares the two and looks for ambiguities;
//  - recursion only through brackets, braces and ${ }: their depth is limited before this parser runs. Everything else repeats;
//  - errors are mended at the rules of `item_rules` in compiler/syntax/antlr/recovery.cpp, and nowhere else.
parser grammar UpgParser;
options { tokenVocab = UpgLexer; }

file       : moduleDecl? decl* EOF ;
moduleDecl : MODULE name ;

decl
  : useDecl | paramDecl | secretDecl | clusterDecl | hostsDecl | roleDecl | stateDecl | probeDecl | gateDecl | actionDecl
  | holdDecl | procedureDecl | orderDecl | rankDecl | versionsDecl | commandDecl | upgradeDecl
  ;

useDecl      : USE name (COMMA name)* ;
paramDecl    : PARAM name COLON type (ASSIGN expr)? ;
secretDecl   : SECRET name FROM name string? ;
hostsDecl    : HOSTS name ASSIGN selection ;
orderDecl    : ORDER refs (BEFORE refs)+ (ON EACH HOST)? ;
rankDecl     : RANK qname (LT qname)+ ;
versionsDecl : VERSIONS name LBRACE versionChain (COMMA versionChain)* RBRACE ;
versionChain : string (ARROW string)+ ;
commandDecl  : COMMAND string IMPLIES effect (COMMA effect)* ;
effect       : (CHANGES | DISRUPTS) refs | DESTROYS string? ;

// ---- site --------------------------------------------------------------------------------------------------------------
clusterDecl : CLUSTER name clusterBody ;
clusterBody : LBRACE clusterItem* RBRACE ;
clusterItem : IMPORT string importBody? | hostDecl | attribute ;
importBody  : LBRACE importItem* RBRACE ;
importItem  : GROUP string AS refs ;
hostDecl    : HOST hostName (OUT string | string? (COMMA hostName string?)* hostBody) ;
hostBody    : LBRACE hostItem* RBRACE ;
hostItem    : ROLES refs | VIA hostName | GUEST OF qname (AT ref)? | attribute ;
attribute   : attributeName (literal | list | hostName) ;
hostName    : name | HOSTNAME ;

// ---- roles and states --------------------------------------------------------------------------------------------------
roleDecl : ROLE name roleBody ;
roleBody : LBRACE roleItem* RBRACE ;
roleItem                                     // no calls here or in gates: soft words may lead a clause
  : AVAILABLE (QUORUM | GE operand | ALL BUT operand ((PER | OF) operand)? | MAY BE DOWN)
  | SERIAL | HEALTH ref | STOPPABLE (ALWAYS string | ref) | ROSTER ref | VOTES operand | SETTLES operand
  | BOOT ref | IDENTITY ref | DOWN ONLY UNDER ref
  ;
stateDecl  : STATE name params? LBRACE stateValue (COMMA stateValue)* RBRACE OBSERVE expr stateItem* ;
stateValue : TRANSIENT? name ;
stateItem  : ON BOOT name ARROW name | WHILE name (RANGE name | (PIPE name)+)? TAINTS refs ;

// ---- questions ---------------------------------------------------------------------------------------------------------
probeDecl : PROBE name params? ARROW type askBlock ;
askBlock  : LBRACE askStmt* RBRACE ;
askStmt   : letStmt | RETURN expr | IF expr askBlock (ELSE IF expr askBlock)* (ELSE askBlock)? ;
gateDecl  : GATE name params? gateBody ;
gateBody  : LBRACE gateItem* RBRACE ;
gateItem  : letStmt | (PASS | FAIL) WHEN expr | POLL operand FOR operand | STABLE operand | WATCHES refs | CLEARS refs onTarget ;

// ---- actions and holds -------------------------------------------------------------------------------------------------
actionDecl  : ACTION name params? actionBlock ;
actionBlock : LBRACE actionItem* RBRACE ;
actionItem
  : REQUIRES need (COMMA need)*
  | (CHANGES | DISRUPTS) refs onTarget
  | SPILLS refs | REACHES refs | DESTROYS string | REINSTALLS set
  | moves
  | DONE WHEN expr | RETRY operand EVERY operand | IDEMPOTENT | ONCE
  | takes
  | AWAITS (BOOT OF set | expr)
  | UNDO (NOTHING string | actionBlock)
  | OPERATOR string
  | letStmt | runExpr
  | FOR binder (AT MOST operand)? actionBlock
  ;
need     : NOT? HELD ref | FREE ref | comparison ;     // gates, S == v, counts, holds; no and/or/not
moves    : MOVES ref COLON moveFrom ARROW name (VIA name (COMMA name)*)? (ELSE name)? ;
moveFrom : ANY | name (PIPE name)* ;
takes    : TAKES operand RANGE operand ;
holdDecl : HOLD name params? holdBody ;
holdBody : LBRACE holdItem* RBRACE ;
holdItem
  : OBSERVE expr | (ACQUIRE | RELEASE) actionBlock | TAINTS refs | ON (HALT | WAIT) (KEEP | RELEASE)
  | REQUIRES need (COMMA need)* | (CHANGES | DISRUPTS) refs onTarget | SPILLS refs | REACHES refs | takes | moves
  ;

// ---- plans -------------------------------------------------------------------------------------------------------------
procedureDecl : PROCEDURE name params? block ;
upgradeDecl   : (UPGRADE | REPAIR) name OF name upgradeBody ;
upgradeBody   : LBRACE upgradeItem* RBRACE ;
upgradeItem
  : FROM qname? string TO string
  | WINDOW EVERY? string FOR operand TZ string
  | EXCLUSIVE string (COMMA string)*
  | (INITIALLY | FINALLY) goal (COMMA goal)*
  | TOLERATE operand
  | HOST hostName OUT string
  | (PREFLIGHT | POSTFLIGHT | ON ABORT) block
  | paramDecl | secretDecl
  | stmt
  ;
goal  : quantifier* comparison ;
block : LBRACE stmt* RBRACE ;
stmt
  : AWAIT ref
  | EXPECT comparison
  | letStmt
  | WITH ref (COMMA ref)* block
  | ROLLING binder rollOption* block
  | FOR binder (AT MOST operand)? block
  | AT MOST operand block
  | PHASE name (AFTER name (COMMA name)*)? block
  | PARALLEL block (AND block)+
  | IF expr block (ELSE IF expr block)* (ELSE block)?
  | UNLESS comparison block
  | ATTEMPT operand block recovery* (OTHERWISE block)?
  | POINT OF NO RETURN string
  | ACCEPT name (OF ref)? (FOR AT MOST operand)? REASON string (UNTIL DATE)? block?
  | ADMIT block
  | OPERATOR string takes?
  | ASK string
  | qname args
  ;
recovery   : RECOVER WHEN expr block ;
rollOption : BATCH operand (PER operand)? | CANARY operand (SOAK operand)? | TOLERANT | AT MOST operand ;
letStmt    : LET name ASSIGN expr ;

// ---- expressions -------------------------------------------------------------------------------------------------------
// run and ask stand alone or in parentheses. every/some leads any operand of and/or and reaches as far as it can; `where` takes none without parentheses.
// `and` binds tighter than `or`; the two repeat in one flat rule, so that neither needs recursion: the tree builder groups them.
expr       : runExpr | ASK string ARROW type | logic ;
logic      : term ((AND | OR) term)* ;
term       : (NOT | quantifier)* comparison ;
quantifier : (EVERY | SOME) binder COLON ;
plain      : notExpr ((AND | OR) notExpr)* ;
binder     : name IN set (WHERE plain)? (IF ANY)? ;             // `if any`: an empty set or list is meant
selection  : binder | set ;
set        : arith ;
notExpr    : NOT* comparison ;
comparison : arith ((EQ | NE | LT | LE | GT | GE | IN | MATCHES | CONTAINS) arith)? ;      // a < b < c is an error
arith      : unary ((PLUS | MINUS | EXCEPT | STAR | SLASH | AMP) unary)* ;             // flat like `logic`; * / & bind tighter
unary      : MINUS* operand (DEFAULT MINUS? operand)? ;
operand
  : (literal | list | name args? | HOSTNAME | COUNT CALL selection RPAREN | LPAREN expr RPAREN)
    (FIELD args? | LBRACK plain RBRACK)*
  ;
list     : LBRACK (logic (FOR binder | (COMMA logic)*))? RBRACK ;
args     : CALL (arg (COMMA arg)*)? RPAREN ;
arg      : (name COLON)? (ANY selection | logic) ;
runExpr  : (RUN | SH) args onTarget runOption* ;
onTarget : ON (EACH? set | ANY selection) ;
runOption : EXITS INT (COMMA INT)* | STDIN operand | AS operand | ENV envVar (COMMA envVar)* ;
envVar   : name ASSIGN operand ;
ref      : qname args? ;
refs     : ref (COMMA ref)* ;
qname    : name FIELD* ;
params   : CALL (param (COMMA param)*)? RPAREN ;
param    : name COLON type (ASSIGN plain)? ;
type     : qname (LT type GT)? ;                       // its depth is limited before this parser runs
literal  : string | INT | DECIMAL | DURATION | SIZE | PERCENT | DATE | TRUE_ | FALSE_ ;
string   : RAW | QUOTE (TEXT | ESC | DOLLAR | INTERP expr INTERP_CLOSE)* CLOSE ;

// Every soft word, and no other token: see the lexer.
name
  : ID | ABORT | AFTER | ALL | ALWAYS | AT | BATCH | BE | BEFORE | BOOT | BUT | CANARY | DOWN | ENV | EXCLUSIVE | FREE | FROM | GROUP | GUEST
    | HALT | HEALTH | HOST | IDENTITY | IMPORT | KEEP | MAY | MOST | NO | NOTHING | OF | ONLY | OUT | PARAM | PER | PHASE | POINT
    | POSTFLIGHT | PREFLIGHT | QUORUM | REASON | RELEASE | ROLES | ROSTER | SECRET | SERIAL | STOPPABLE | TO | TOLERANT | TRANSIENT | TZ | UNDER
    | UNTIL | VIA | VOTES | WAIT | WHILE | WINDOW
  ;
// The names that neither lead an item of a cluster or a host nor go on with one (`guest of x at p`).
attributeName
  : ID | ABORT | AFTER | ALL | ALWAYS | BATCH | BE | BEFORE | BOOT | BUT | CANARY | DOWN | ENV | EXCLUSIVE | FREE | FROM | GROUP
    | HALT | HEALTH | IDENTITY | KEEP | MAY | MOST | NO | NOTHING | OF | ONLY | OUT | PARAM | PER | PHASE | POINT
    | POSTFLIGHT | PREFLIGHT | QUORUM | REASON | RELEASE | ROSTER | SECRET | SERIAL | STOPPABLE | TO | TOLERANT | TRANSIENT | TZ | UNDER
    | UNTIL | VOTES | WAIT | WHILE | WINDOW
  ;
