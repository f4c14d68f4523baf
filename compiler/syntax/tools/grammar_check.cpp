// upg-grammar-check FILE...: parses sentences of the grammar and tells where it can read one in two ways, or only with
// the whole context in view. Exit code 1 if it found such a place, or a sentence that does not parse.
// test/syntax/fuzz_grammar.py makes the sentences.
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "UpgLexer.h"
#include "UpgParser.h"

namespace {

using antlr4::Parser;
using antlr4::atn::ATNConfigSet;
using antlr4::dfa::DFA;
using antlrcpp::BitSet;

class Findings : public antlr4::BaseErrorListener {
 public:
  std::size_t count() const { return count_; }

  void syntaxError(antlr4::Recognizer *, antlr4::Token *, std::size_t line, std::size_t column,
                   const std::string &message, std::exception_ptr) override {
    note("syntax error", line, column, message);
  }
  void reportAmbiguity(Parser *parser, const DFA &dfa, std::size_t begin, std::size_t end, bool, const BitSet &,
                       ATNConfigSet *) override {
    decision("ambiguous", parser, dfa, begin, end);
  }
  void reportAttemptingFullContext(Parser *parser, const DFA &dfa, std::size_t begin, std::size_t end, const BitSet &,
                                   ATNConfigSet *) override {
    decision("full context", parser, dfa, begin, end);
  }
  void reportContextSensitivity(Parser *parser, const DFA &dfa, std::size_t begin, std::size_t end, std::size_t,
                                ATNConfigSet *) override {
    decision("context sensitive", parser, dfa, begin, end);
  }

 private:
  void decision(const char *what, Parser *parser, const DFA &dfa, std::size_t begin, std::size_t end) {
    const std::string where =
        parser->getRuleNames()[dfa.atnStartState->ruleIndex] + " (decision " + std::to_string(dfa.decision) + ")";
    if (!seen_.insert(what + where).second) {
      ++count_;
      return;
    }
    antlr4::TokenStream *tokens = parser->getTokenStream();
    note(what, tokens->get(begin)->getLine(), tokens->get(begin)->getCharPositionInLine(),
         where + ": " + tokens->getText(antlr4::misc::Interval(begin, end)));
  }
  void note(const char *what, std::size_t line, std::size_t column, const std::string &text) {
    if (++count_ <= 50) std::cout << line << ":" << column + 1 << ": " << what << ": " << text << "\n";
  }

  std::size_t count_ = 0;
  std::set<std::string> seen_;
};

}  // namespace

int main(int argc, char **argv) {
  Findings findings;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    antlr4::ANTLRInputStream input(text.str());
    UpgLexer lexer(&input);
    antlr4::CommonTokenStream tokens(&lexer);
    tokens.fill();
    UpgParser parser(&tokens);
    parser.removeErrorListeners();
    parser.addErrorListener(&findings);
    parser.setBuildParseTree(false);
    parser.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(
        antlr4::atn::PredictionMode::LL_EXACT_AMBIG_DETECTION);
    parser.file();
    std::cout << argv[i] << ": " << tokens.size() << " tokens, " << findings.count() << " findings\n";
  }
  return findings.count() == 0 ? 0 : 1;
}
