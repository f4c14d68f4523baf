// One message for one mistake: measured by deleting words and marks from a file that holds every construct.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "test/unit/syntax/parse_fixture.h"

namespace upg::syntax {
namespace {

std::string sample() {
  std::ifstream in(UPG_SYNTAX_SAMPLE, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool is_code(const Token &token) { return token.kind != TokenKind::comment && token.kind != TokenKind::doc_comment; }

std::string without(const std::string &text, const std::vector<Token> &tokens) {  // tokens in order
  std::string result;
  std::size_t at = 0;
  for (const Token &token : tokens) {
    result += text.substr(at, token.begin - at);
    at = token.end;
  }
  return result + text.substr(at);
}

std::size_t errors_of(const std::string &text) { return Parsed(text).sink.errors(); }

TEST(Recovery, OneDeletedTokenIsAtMostOneErrorNearlyAlways) {
  const std::string text = sample();
  const Parsed whole(text);
  ASSERT_TRUE(whole.tree.complete) << whole.shown();
  constexpr std::size_t stride = 3;  // a sample: each costs a parse
  std::size_t seen = 0, tried = 0, more_than_one = 0, worst = 0;
  std::string examples;
  for (const Token &token : whole.tree.tokens) {
    if (!is_code(token) || seen++ % stride != 0) continue;
    const Parsed damaged(without(text, {token}));
    ++tried;
    worst = std::max(worst, damaged.sink.errors());
    if (damaged.sink.errors() <= 1) continue;
    ++more_than_one;
    const diagnostics::Position at = whole.sources.position(whole.file, token.begin);
    examples += std::to_string(at.line) + ":" + std::to_string(at.column) + " without " +
                whole.text({whole.file, token.begin, token.end}) + ": " + std::to_string(damaged.sink.errors()) +
                " errors\n";
  }
  EXPECT_GT(tried, 400u);
  EXPECT_LE(more_than_one * 100, tried * 3) << more_than_one << " of " << tried << "\n" << examples;
  EXPECT_LE(worst, 4u) << examples;
}

TEST(Recovery, ThreeMistakesInThreeDeclarationsAreThreeErrors) {
  const std::string text = sample();
  const Parsed whole(text);
  ASSERT_TRUE(whole.tree.complete) << whole.shown();
  const unsigned seed = 20261120;
  std::mt19937 random(seed);
  // Deletions that are an error each by themselves, by declaration; braces change which declaration they are in.
  std::vector<std::vector<Token>> candidates;
  for (const ast::Declaration &declaration : whole.tree.file.declarations) {
    std::vector<Token> here;
    for (const Token &token : whole.tree.tokens) {
      const bool inside = token.begin >= declaration.range.begin && token.end <= declaration.range.end;
      const std::string spelling = whole.text({whole.file, token.begin, token.end});
      if (!inside || !is_code(token) || spelling == "{" || spelling == "}") continue;
      here.push_back(token);
    }
    // A sample of them: each costs a parse.
    std::shuffle(here.begin(), here.end(), random);
    if (here.size() > 6) here.resize(6);
    here.erase(std::remove_if(here.begin(), here.end(),
                              [&](const Token &token) { return errors_of(without(text, {token})) != 1; }),
               here.end());
    if (!here.empty()) candidates.push_back(std::move(here));
  }
  ASSERT_GT(candidates.size(), 20u);
  std::size_t exact = 0;
  std::string examples;
  constexpr std::size_t files = 100;
  for (std::size_t i = 0; i < files; ++i) {
    std::vector<std::size_t> order(candidates.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    std::shuffle(order.begin(), order.end(), random);
    order.resize(3);
    std::sort(order.begin(), order.end());
    std::vector<Token> deleted;
    for (const std::size_t k : order) deleted.push_back(candidates[k][random() % candidates[k].size()]);
    const Parsed damaged(without(text, deleted));
    if (damaged.sink.errors() == 3) {
      ++exact;
      continue;
    }
    for (const Token &token : deleted) {
      const diagnostics::Position at = whole.sources.position(whole.file, token.begin);
      examples += std::to_string(at.line) + ":" + std::to_string(at.column) + " " +
                  whole.text({whole.file, token.begin, token.end}) + "  ";
    }
    examples += std::to_string(damaged.sink.errors()) + " errors\n";
  }
  EXPECT_GE(exact * 100, files * 98) << exact << " of " << files << " files, seed " << seed << "\n" << examples;
}

}  // namespace
}  // namespace upg::syntax
