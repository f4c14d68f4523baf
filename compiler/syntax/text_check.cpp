#include "compiler/syntax/text_check.h"

#include <fmt/format.h>

#include <cstring>

#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::syntax {
namespace {

using diagnostics::FileId;
using diagnostics::Kind;
using diagnostics::Range;
using diagnostics::Sink;

constexpr int max_hidden_reports = 10;

Range at(FileId file, std::size_t begin, std::size_t length) {
  return {file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + length)};
}

/// Characters that reorder or hide text, so that a reviewer reads something else than what runs.
bool hides_text(char32_t c) {
  const bool direction =
      (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c;
  const bool invisible = (c >= 0x200b && c <= 0x200d) || c == 0x2060 || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
  const bool control =
      (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
  return direction || invisible || control;
}

bool lines_fit(std::string_view text, FileId file, Sink &sink) {
  std::size_t begin = 0;
  for (std::size_t line = 1; begin < text.size(); ++line) {
    const void *found = std::memchr(text.data() + begin, '\n', text.size() - begin);
    const std::size_t end =
        found ? static_cast<std::size_t>(static_cast<const char *>(found) - text.data()) : text.size();
    if (end - begin > max_line_bytes) {
      sink.report(Kind::text_too_large, at(file, begin, 0),
                  fmt::format("line {} has {} bytes: lines of more than {} bytes are not read", line, end - begin,
                              max_line_bytes));
      return false;
    }
    begin = end + 1;
  }
  return true;
}

}  // namespace

TextCheck check_text(std::string_view text, FileId file, Sink &sink) {
  TextCheck result;
  if (text.size() > max_file_bytes) {
    sink.report(Kind::text_too_large, at(file, 0, 0),
                fmt::format("the file has {} bytes: more than {} MiB are not read", text.size(), max_file_bytes >> 20));
    return result;
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    sink.report(Kind::not_text, at(file, 0, 0), "the file is UTF-16: only UTF-8 is read")
        .help("save the file as UTF-8");
    return result;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    sink.report(Kind::not_text, at(file, nul, 0),
                fmt::format("the file is binary: it has a NUL byte at offset {}", nul));
    return result;
  }
  if (!lines_fit(text, file, sink)) return result;

  result.bom_bytes = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  result.ascii = true;
  int hidden = 0;
  for (std::size_t i = result.bom_bytes; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      ++i;
      continue;
    }
    const diagnostics::Utf8Step step = diagnostics::utf8_step(text, i);
    if (!step.valid) {
      sink.report(Kind::not_text, at(file, i, 1),
                  fmt::format("byte 0x{:02x} at offset {} is not UTF-8: only UTF-8 text is read", byte, i))
          .help("save the file as UTF-8");
      return result;
    }
    if (step.length > 1) result.ascii = false;
    if (hides_text(step.code_point) && ++hidden <= max_hidden_reports) {
      sink.report(Kind::hidden_character, at(file, i, step.length),
                  fmt::format("the character {} hides what is written: it may not stand in a plan",
                              diagnostics::escaped(step)))
          .help(step.code_point < 0x80
                    ? fmt::format("in a string write `\\x{:02x}`", static_cast<unsigned>(step.code_point))
                    : std::string("remove it"));
    }
    i += step.length;
  }
  result.readable = hidden == 0;
  return result;
}

}  // namespace upg::syntax
