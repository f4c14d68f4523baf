// Words and tokens of the .upg language (ANTLR 4.7, C++ target). docs/grammar.md says why they are as they are.
//
// Newlines are blanks. What a lexer grammar cannot say is in UpgLexerBase: it tells the braces of `${ }` from others, ends strings and `${` with
// their line, makes declaration words plain names off the left margin, and `(` a CALL where it touches a name.
lexer grammar UpgLexer;

options { superClass = UpgLexerBase; }
channels { COMMENTS, DOCS }

@lexer::preinclude { #include "compiler/syntax/antlr/lexer_base.h" }

// ---- reserved words: operators, and the verbs that lead a clause or a statement -----------------------------------------
ACCEPT: 'accept'; ACQUIRE: 'acquire'; ADMIT: 'admit'; AND: 'and'; ANY: 'any'; AS: 'as'; ASK: 'ask'; ATTEMPT: 'attempt'; AVAILABLE: 'available';
AWAIT: 'await'; AWAITS: 'awaits'; CHANGES: 'changes'; CLEARS: 'clears'; CONTAINS: 'contains'; COUNT: 'count'; DEFAULT: 'default';
DESTROYS: 'destroys'; DISRUPTS: 'disrupts'; DONE: 'done'; EACH: 'each'; ELSE: 'else'; EVERY: 'every'; EXCEPT: 'except'; EXITS: 'exits';
EXPECT: 'expect'; FAIL: 'fail'; FALSE_: 'false'; FINALLY: 'finally'; FOR: 'for'; HELD: 'held'; IDEMPOTENT: 'idempotent'; IF: 'if';
IMPLIES: 'implies'; IN: 'in'; INITIALLY: 'initially'; LET: 'let'; MATCHES: 'matches'; MOVES: 'moves'; NOT: 'not'; OBSERVE: 'observe';
ON: 'on'; ONCE: 'once'; OPERATOR: 'operator'; OR: 'or'; OTHERWISE: 'otherwise'; PARALLEL: 'parallel'; PASS: 'pass'; POLL: 'poll';
REACHES: 'reaches'; RECOVER: 'recover'; REINSTALLS: 'reinstalls'; REQUIRES: 'requires'; RETRY: 'retry'; RETURN: 'return';
ROLLING: 'rolling'; RUN: 'run'; SETTLES: 'settles'; SH: 'sh'; SOAK: 'soak'; SOME: 'some'; SPILLS: 'spills'; STABLE: 'stable'; STDIN: 'stdin';
TAINTS: 'taints'; TAKES: 'takes'; TOLERATE: 'tolerate'; TRUE_: 'true'; UNDO: 'undo'; UNLESS: 'unless';
WATCHES: 'watches'; WHEN: 'when'; WHERE: 'where'; WITH: 'with';

// ---- margin words: declarations in column 1, plain names (ID) everywhere else. ACTION must stay first, VERSIONS last -----
ACTION: 'action'; CLUSTER: 'cluster'; COMMAND: 'command'; GATE: 'gate'; HOLD: 'hold'; HOSTS: 'hosts'; MODULE: 'module'; ORDER: 'order';
PROBE: 'probe'; PROCEDURE: 'procedure'; RANK: 'rank'; REPAIR: 'repair'; ROLE: 'role'; STATE: 'state'; UPGRADE: 'upgrade'; USE: 'use';
VERSIONS: 'versions';

// ---- soft words: key words where the grammar asks for them, names everywhere else (rule `name`). ABORT first, WINDOW last -
ABORT: 'abort'; AFTER: 'after'; ALL: 'all'; ALWAYS: 'always'; AT: 'at'; BATCH: 'batch'; BE: 'be'; BEFORE: 'before'; BOOT: 'boot'; BUT: 'but';
CANARY: 'canary'; DOWN: 'down'; ENV: 'env'; EXCLUSIVE: 'exclusive'; FREE: 'free'; FROM: 'from'; GROUP: 'group'; GUEST: 'guest'; HALT: 'halt';
HEALTH: 'health'; HOST: 'host'; IDENTITY: 'identity'; IMPORT: 'import'; KEEP: 'keep'; MAY: 'may'; MOST: 'most'; NO: 'no'; NOTHING: 'nothing';
OF: 'of'; ONLY: 'only'; OUT: 'out'; PARAM: 'param'; PER: 'per'; PHASE: 'phase'; POINT: 'point'; POSTFLIGHT: 'postflight';
PREFLIGHT: 'preflight'; QUORUM: 'quorum'; REASON: 'reason'; RELEASE: 'release'; ROLES: 'roles'; ROSTER: 'roster'; SECRET: 'secret';
SERIAL: 'serial'; STOPPABLE: 'stoppable'; TO: 'to'; TOLERANT: 'tolerant'; TRANSIENT: 'transient'; TZ: 'tz'; UNDER: 'under'; UNTIL: 'until';
VIA: 'via'; VOTES: 'votes'; WAIT: 'wait'; WHILE: 'while'; WINDOW: 'window';

// ---- names -------------------------------------------------------------------------------------------------------------
ID       : LETTER WORD* ;
HOSTNAME : LETTER WORD* ('-' WORD+)+ ;              // controller-0: only hosts may have hyphens
FIELD    : '.' LETTER WORD* ;                       // one token: after a dot every word is a name
BAD_FIELD: '.' LETTER WORD* ('-' WORD+)+ ;          // x.live-data, x.votes-1: diagnosed, never guessed

// ---- literals ----------------------------------------------------------------------------------------------------------
DATE     : D D D D '-' D D '-' D D ;
DURATION : (D+ ('ms' | [smhdw]))+ ;
SIZE     : D+ ('.' D+)? [KMGTP]? 'i'? 'B' ;
PERCENT  : D+ ('.' D+)? '%' ;
INT      : D+ ;
DECIMAL  : D+ '.' D+ ;
BAD_NUM  : D+ ('.' D+)? LETTER WORD* ;              // 10sec: one token, one message
RAW      : 'r"' ~["\r\n]* '"' ;                     // r"\s+": no escapes, no interpolation
BAD_RAW  : 'r"' ~["\r\n]* ;
QUOTE    : '"' -> pushMode(STR) ;

// ---- punctuation -------------------------------------------------------------------------------------------------------
ARROW: '->'; RANGE: '..'; EQ: '=='; NE: '!='; LE: '<='; GE: '>='; LT: '<'; GT: '>'; ASSIGN: '='; PIPE: '|'; AMP: '&'; PLUS: '+';
MINUS: '-'; STAR: '*'; SLASH: '/'; COMMA: ','; COLON: ':'; LPAREN: '('; /* CALL where it touches a name */ RPAREN: ')'; LBRACK: '['; RBRACK: ']';
LBRACE: '{' { openBrace(); } ;
RBRACE: '}' { closeBrace(); } ;                     // becomes INTERP_CLOSE where it ends a ${

DOC     : '///' ~[\r\n]* -> channel(DOCS) ;
COMMENT : '//' ~[\r\n]* -> channel(COMMENTS) ;
NL      : '\r'? '\n' { newline(); } ;               // skipped; a ${ that is still open ends here, as BAD_STR
WS      : [ \t]+ -> skip ;
BAD     : . ;

fragment LETTER : [A-Za-z_] ;
fragment WORD   : [A-Za-z0-9_] ;
fragment D      : [0-9] ;

// ---- "text ${expr} text" -----------------------------------------------------------------------------------------------
mode STR;
CLOSE       : '"' -> popMode ;
INTERP      : '${' { openInterp(); } -> pushMode(DEFAULT_MODE) ;
DOLLAR      : '$${' ;                               // a literal ${
ESC         : '\\' [nrt"\\] | '\\x' [0-9a-fA-F] [0-9a-fA-F] ;
BAD_ESC     : '\\' ~[\r\n]? ;
TEXT        : (~["\\$\r\n])+ | '$' | '\r' ;
STR_NL      : '\r'? '\n' { stringNewline(); } ;     // unterminated: becomes BAD_STR
mode NEVER;
BAD_STR     : 'never' ;
INTERP_CLOSE: 'never}' ;
CALL        : 'never(' ;
