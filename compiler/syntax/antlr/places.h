#pragma once
#include <vector>

#include "UpgParser.h"
#include "compiler/syntax/antlr/lexemes.h"
#include "compiler/syntax/layout.h"

namespace upg::syntax {

/// The places of all tokens of a file that was read without an error.
std::vector<Place> places_of(UpgParser::FileContext *tree, const Lexemes &lexemes);

}  // namespace upg::syntax
