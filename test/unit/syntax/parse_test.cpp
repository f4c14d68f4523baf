#include <gtest/gtest.h>

#include "test/unit/syntax/parse_fixture.h"

namespace upg::syntax {
namespace {

std::string dump_of(const std::string &text) {
  const Parsed parsed(text);
  return parsed.sink.all().empty() ? ast::dump(parsed.tree.file) : parsed.shown();
}

/// The dump of an expression, read as the value of a probe.
std::string expr(const std::string &text) {
  const Parsed parsed("probe p -> int { return " + text + " }");
  if (!parsed.sink.all().empty()) return parsed.shown();
  const auto &probe = std::get<ast::ProbeDecl>(parsed.tree.file.declarations.at(0).node);
  return ast::dump(*std::get<ast::ReturnStatement>(probe.body.statements.at(0).node).value);
}

TEST(Parse, Precedence) {
  EXPECT_EQ(expr("a or b and not c in d"), "(or a (and b (not (in c d))))");
  EXPECT_EQ(expr("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(expr("a & b except c"), "(except (& a b) c)");
  EXPECT_EQ(expr("- - a * b"), "(* (- (- a)) b)");
  EXPECT_EQ(expr("r.n default 0 == 0"), "(== (default r.n 0) 0)");
  EXPECT_EQ(expr("a.b default -1 + c"), "(+ (default a.b (- 1)) c)");
  EXPECT_EQ(expr("-a.b[1].c(2) default 3"), "(- (default a.b[1].c(2) 3))");
  EXPECT_EQ(expr("(a + b) * c"), "(* (+ a b) c)");
  EXPECT_EQ(expr("every x in a where x or y if any: some z in b: x == z and q"),
            "(every x in a where (or x y) if any: (some z in b: (and (== x z) q)))");
  EXPECT_EQ(expr("[x.n for x in a where p]"), "[x.n for x in a where p]");
  EXPECT_EQ(expr("count(m in names where m != h.name) >= 1"), "(>= count(m in names where (!= m h.name)) 1)");
  EXPECT_EQ(expr("(run(\"a\") on any b exits 0, 2).json"), "(run(\"a\") on any b exits 0, 2).json");
  EXPECT_EQ(expr("f(any x in a where p, from: controller-0, every y in b: q)"),
            "f((any x in a where p), from: controller-0, (every y in b: q))");
  EXPECT_EQ(expr("3-1"), "(- 3 1)");
  EXPECT_EQ(expr("total-1"), "total-1");  // a host of that name
}

TEST(Parse, StringsAreDecoded) {
  EXPECT_EQ(expr(R"("a ${f("b ${c}")} $${x} $(y) \n\t\"\\\x41")"),
            R"("a " ~ ${f("b " ~ ${c})} ~ " ${x} $(y) \n\t\"\\A")");
  EXPECT_EQ(expr(R"(r"\d+ ${x}")"), R"(r"\\d+ ${x}")");
  EXPECT_EQ(expr(R"("")"), R"("")");
  EXPECT_EQ(expr(R"("${a}${b}")"), R"(${a} ~ ${b})");
  EXPECT_EQ(expr("\"é 🐘\""), "\"é 🐘\"");
}

TEST(Parse, WordsAreNamesWhereTheGrammarAsksForNoKeyWord) {
  EXPECT_EQ(expr("state.on.in.for"), "state.on.in.for");
  EXPECT_EQ(expr("gate + action + window + free + group"), "(+ (+ (+ (+ gate action) window) free) group)");
  EXPECT_EQ(dump_of("gate health { pass when order }\n"), "file\n  gate health()\n    pass when order\n");
}

TEST(Parse, NothingIsAWordOnlyWhereItStandsAlone) {
  EXPECT_EQ(dump_of("gate g { watches nothing }\n"), "file\n  gate g()\n    watches nothing\n");
  const Parsed two("gate g { watches nothing, a }\n");
  const auto &gate = std::get<ast::GateDecl>(two.tree.file.declarations.at(0).node);
  EXPECT_EQ(std::get<ast::Watches>(gate.items.at(0).node).items.size(), 2u);
  EXPECT_FALSE(std::get<ast::Watches>(gate.items.at(0).node).nothing);
}

TEST(Parse, RangesAreBytesAlsoBehindWideCharacters) {
  const Parsed parsed("/// é\ngate g { pass when \"é🐘\" == wanted }\n");
  ASSERT_TRUE(parsed.tree.complete) << parsed.shown();
  const ast::Declaration &declaration = parsed.tree.file.declarations.at(0);
  EXPECT_EQ(parsed.text(declaration.range), "gate g { pass when \"é🐘\" == wanted }");
  EXPECT_EQ(declaration.doc->text, "é");
  const auto &gate = std::get<ast::GateDecl>(declaration.node);
  EXPECT_EQ(parsed.text(gate.name.range), "g");
  const auto &condition = *std::get<ast::PassWhen>(gate.items.at(0).node).condition;
  EXPECT_EQ(parsed.text(condition.range), "\"é🐘\" == wanted");
  const auto &equal = std::get<ast::BinaryExpr>(condition.node);
  EXPECT_EQ(parsed.text(equal.left->range), "\"é🐘\"");
  EXPECT_EQ(parsed.text(equal.op_range), "==");
  EXPECT_EQ(parsed.text(equal.right->range), "wanted");
}

TEST(Parse, ErrorsBehindWideCharactersPointAtTheRightBytes) {
  const Parsed parsed("gate g { pass when \"é🐘\" = wanted }\n");
  ASSERT_EQ(parsed.sink.all().size(), 1u);
  EXPECT_EQ(parsed.text(parsed.sink.all()[0].primary.range), "=");
}

TEST(Parse, ParenthesesBelongToNoRange) {
  const Parsed parsed("gate g { pass when (a) + (b) }\n");
  const auto &gate = std::get<ast::GateDecl>(parsed.tree.file.declarations.at(0).node);
  const auto &sum = *std::get<ast::PassWhen>(gate.items.at(0).node).condition;
  EXPECT_EQ(parsed.text(sum.range), "(a) + (b)");
  EXPECT_EQ(parsed.text(std::get<ast::BinaryExpr>(sum.node).right->range), "b");
}

TEST(Parse, ExpressionIdsAreDense) {
  const Parsed parsed("gate g { pass when a + b * c == d(e)  poll 1s for 2s }\n");
  EXPECT_EQ(parsed.tree.file.expressions, 11u);
}

TEST(Parse, ByteOrderMarkAndCarriageReturnsAreBlanks) {
  const Parsed parsed("\xef\xbb\xbfgate g {\r\n  pass when a\r\n}\r\n");
  ASSERT_TRUE(parsed.tree.complete) << parsed.shown();
  EXPECT_EQ(parsed.text(parsed.tree.file.declarations.at(0).range), "gate g {\r\n  pass when a\r\n}");
}

TEST(Parse, TokensCoverEveryByteThatIsNoBlank) {
  const std::string text =
      "/// doc\nmodule m // c\ngate g(h: host) { pass when \"a${h.n}$${b}\\n\" == r\"\\d\" and x in [1.5, 50%, 5GB, "
      "1h, 2026-01-01, a-1] }\n";
  const Parsed parsed(text);
  ASSERT_TRUE(parsed.tree.complete) << parsed.shown();
  std::uint32_t at = 0;
  for (const Token &token : parsed.tree.tokens) {
    EXPECT_EQ(text.substr(at, token.begin - at).find_first_not_of(" \n"), std::string::npos)
        << "before byte " << token.begin;
    EXPECT_LT(token.begin, token.end);
    at = token.end;
  }
  EXPECT_EQ(text.substr(at), "\n");
}

TEST(Parse, TokensAreThereWhenTheTreeIsNot) {
  const Parsed parsed("gate g { pass when ( }\n");
  EXPECT_FALSE(parsed.tree.complete);
  EXPECT_EQ(parsed.tree.tokens.size(), 7u);
}

TEST(Parse, ABrokenItemCostsOnlyItself) {
  const Parsed parsed(
      "gate g {\n  pass when a\n  poll for 3\n  stable 2\n}\ngate ( { }\ngate broken(h host) { }\ngate k { pass when b "
      "}\n");
  EXPECT_EQ(ast::dump(parsed.tree.file),
            "file\n  gate g()\n    pass when a\n    stable 2\n  gate k()\n    pass when b\n  broken broken\n");
  EXPECT_EQ(parsed.sink.errors(), 3u) << parsed.shown();
}

TEST(Parse, AnItemThatWentOnWithAnErrorIsLeftOut) {
  const Parsed parsed("gate g { pass when a = b  stable 2 }\ngate k {\n  pass when \"x\" y\n  stable 3\n}\n");
  EXPECT_EQ(ast::dump(parsed.tree.file), "file\n  gate g()\n  gate k()\n    stable 3\n");
  EXPECT_EQ(parsed.sink.errors(), 2u) << parsed.shown();
}

TEST(Parse, AnUnclosedDeclarationKeepsItsItems) {
  const Parsed parsed("gate g {\n  pass when a\ngate k { pass when b }\n");
  EXPECT_EQ(ast::dump(parsed.tree.file), "file\n  gate g()\n    pass when a\n  gate k()\n    pass when b\n");
  EXPECT_EQ(parsed.sink.errors(), 1u) << parsed.shown();
}

TEST(Parse, EmptyFilesAreFiles) {
  EXPECT_EQ(dump_of(""), "file\n");
  EXPECT_EQ(dump_of("// nothing\n"), "file\n");
  EXPECT_EQ(dump_of("module m"), "file module m\n");
}

}  // namespace
}  // namespace upg::syntax
