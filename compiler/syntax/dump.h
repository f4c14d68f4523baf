#pragma once
#include <string>
#include <vector>

#include "compiler/syntax/ast.h"

/// Pieces of `dump` in one line each, shared by its two files.
namespace upg::syntax::ast {

std::string dump_date(const DateLiteral &date);
std::string dump_string(const StringLiteral &string);
std::string dump_binder(const Binder &binder);
std::string dump_selection(const Selection &selection);
std::string dump_target(const Target &target);
std::string dump_arguments(const std::vector<Argument> &arguments);
std::string dump_ref(const Ref &ref);
std::string dump_refs(const std::vector<Ref> &refs);
std::string dump_names(const std::vector<Name> &names);
std::string dump_type(const Type &type);

}  // namespace upg::syntax::ast
