#include "compiler/syntax/antlr/error_report.h"
namespace upg::syntax {
bool report_known_mistake(const ErrorSite &, const Lexemes &, diagnostics::Sink &) { return false; }
}
