#pragma once
#include <string>
#include <string_view>

#include "compiler/syntax/ast_declarations.h"
#include "compiler/syntax/ast_expressions.h"
#include "compiler/syntax/ast_statements.h"

namespace upg::syntax::ast {

/// An indented listing of the tree, one node a line, without ranges: for tests and `--dump`.
std::string dump(const File &file);
std::string dump(const Expr &expr);

std::string_view spelling(UnaryOp op);
std::string_view spelling(BinaryOp op);

}  // namespace upg::syntax::ast
