#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"

namespace upg::syntax {

using diagnostics::Kind;
using P = UpgParser;

void Builder::report_number(std::size_t lexeme, LiteralProblem problem) {
  const std::string_view text = lexemes_.text(lexeme);
  const Range where = lexemes_.range(lexeme);
  switch (problem) {
    case LiteralProblem::none:
      return;
    case LiteralProblem::too_large:
      sink_.report(Kind::number_too_large, where,
                   fmt::format("`{}` is too large: numbers have 64 bits", text.substr(0, 40)));
      return;
    case LiteralProblem::not_whole:
      sink_.report(Kind::bad_number, where, fmt::format("`{}` is not a whole number of bytes", text));
      return;
    case LiteralProblem::unit_order:
      sink_
          .report(Kind::bad_number, where,
                  fmt::format("`{}` is no duration: each unit stands once, the largest first", text))
          .help("write it like `1h30m`");
      return;
    case LiteralProblem::unknown_unit:
      sink_.report(Kind::bad_number, where, fmt::format("`{}` has no known unit", text))
          .note("sizes: B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB");
      return;
    case LiteralProblem::not_a_day:
      sink_.report(Kind::bad_date, where, fmt::format("there is no day `{}`", text));
      return;
  }
}

std::int64_t Builder::integer(std::size_t lexeme) {
  const Decoded<std::int64_t> decoded = decode_int(lexemes_.text(lexeme));
  report_number(lexeme, decoded.problem);
  return decoded.value;
}

ast::DateLiteral Builder::date(std::size_t lexeme) {
  const Decoded<ast::DateLiteral> decoded = decode_date(lexemes_.text(lexeme));
  report_number(lexeme, decoded.problem);
  return decoded.value;
}

ast::ExprPtr Builder::literal(Context *context) {
  Cursor cursor(context);
  if (cursor.rule() == P::RuleString) {
    ast::StringLiteral value = string(cursor.take_rule());
    std::uint32_t depth = 0;
    for (const ast::StringPart &part : value.parts) {
      if (const auto *inner = std::get_if<ast::ExprPtr>(&part.part)) depth = std::max(depth, depth_of(*inner));
    }
    return make(std::move(value), range(context), depth);
  }
  const std::size_t lexeme = cursor.take_token();
  const std::string_view text = lexemes_.text(lexeme);
  const auto keep = [&](const auto &decoded) {
    report_number(lexeme, decoded.problem);
    return decoded.value;
  };
  ast::Expr::Node node;
  switch (lexemes_[lexeme].type) {
    case P::TRUE_:
      node = ast::BoolLiteral{true};
      break;
    case P::FALSE_:
      node = ast::BoolLiteral{false};
      break;
    case P::INT:
      node = ast::IntLiteral{keep(decode_int(text))};
      break;
    case P::DECIMAL:
      node = ast::DecimalLiteral{keep(decode_decimal(text))};
      break;
    case P::PERCENT:
      node = ast::PercentLiteral{keep(decode_decimal(text))};
      break;
    case P::DURATION:
      node = ast::DurationLiteral{keep(decode_duration(text))};
      break;
    case P::SIZE:
      node = ast::SizeLiteral{keep(decode_size(text))};
      break;
    case P::DATE:
      node = date(lexeme);
      break;
    default:
      throw Broken{};
  }
  return make(std::move(node), lexemes_.range(lexeme), 0);
}

void Builder::string_piece(std::size_t lexeme, ast::StringLiteral &result) {
  std::string piece;
  const std::string_view raw = lexemes_.text(lexeme);
  if (lexemes_[lexeme].type == P::DOLLAR) {
    piece = "${";
  } else if (lexemes_[lexeme].type == P::ESC) {
    switch (raw[1]) {
      case 'n':
        piece = "\n";
        break;
      case 'r':
        piece = "\r";
        break;
      case 't':
        piece = "\t";
        break;
      case 'x':
        piece = static_cast<char>(std::stoi(std::string(raw.substr(2)), nullptr, 16));
        break;
      default:
        piece = raw[1];
    }
    if (piece[0] == '\0') {
      sink_.report(Kind::bad_escape, lexemes_.range(lexeme), "a string cannot hold a NUL byte")
          .note("no command line or environment can carry one");
    } else if (static_cast<unsigned char>(piece[0]) >= 0x80) {
      sink_.report(Kind::bad_escape, lexemes_.range(lexeme), "`\\x` stands for ASCII only: `\\x01` to `\\x7f`")
          .help("write the character itself");
    }
  } else {
    piece = raw;
  }
  if (!result.parts.empty()) {
    if (auto *text = std::get_if<std::string>(&result.parts.back().part)) {
      text->append(piece);
      result.parts.back().range.end = lexemes_[lexeme].end;
      return;
    }
  }
  ast::StringPart &part = result.parts.emplace_back();
  part.part.emplace<std::string>(std::move(piece));
  part.range = lexemes_.range(lexeme);
}

ast::StringLiteral Builder::string(Context *context) {
  ast::StringLiteral result;
  result.range = range(context);
  Cursor cursor(context);
  if (cursor.token() == P::RAW) {
    const std::size_t lexeme = cursor.take_token();
    const std::string_view text = lexemes_.text(lexeme);
    result.raw = true;
    if (text.size() > 3) {
      ast::StringPart &part = result.parts.emplace_back();
      part.part.emplace<std::string>(text.substr(2, text.size() - 3));
      part.range = lexemes_.bytes(lexemes_[lexeme].begin + 2, lexemes_[lexeme].end - 1);
    }
    return result;
  }
  cursor.take(P::QUOTE);
  while (!cursor.accept(P::CLOSE)) {
    if (cursor.token() == P::INTERP) {
      const std::size_t open = cursor.take_token();
      ast::ExprPtr inner = expr(cursor.take_rule(P::RuleExpr));
      const std::size_t close = cursor.take(P::INTERP_CLOSE);
      ast::StringPart &part = result.parts.emplace_back();
      part.part = std::move(inner);
      part.range = lexemes_.range(open, close);
    } else {
      string_piece(cursor.take_token(), result);
    }
  }
  return result;
}

}  // namespace upg::syntax
