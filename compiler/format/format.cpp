#include "compiler/format/format.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/syntax/layout.h"

namespace upg::format {
namespace {

using syntax::Gap;
using syntax::LaidOut;
using syntax::Place;
using syntax::Token;
using syntax::TokenKind;

constexpr std::size_t none = static_cast<std::size_t>(-1);
constexpr std::uint32_t indent = 2;         // of an item in its body
constexpr std::uint32_t continuation = 4;   // of an item's further lines
constexpr std::uint32_t between_items = 2;  // blanks, on one line; also before a comment there

bool is_comment(const Token &token) { return token.kind == TokenKind::comment || token.kind == TokenKind::doc_comment; }

std::string_view without_blanks_behind(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

class Formatter {
 public:
  Formatter(std::string_view text, const std::vector<Token> &tokens, const std::vector<Place> &places)
      : text_(text), tokens_(tokens), places_(places), bodies_(tokens.size()) {}

  std::string format() {
    measure();
    out_.reserve(text_.size() + text_.size() / 8);
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_comment(tokens_[i])) {
        comment(i);
      } else {
        code(i);
        previous_ = i;
      }
    }
    if (!out_.empty()) out_ += '\n';
    return std::move(out_);
  }

 private:
  /// What is known of a body at its `{`. Bodies of one chain (`if {} else {}`) share what is known of the first one.
  struct Body {
    std::size_t chain = none;  // `{` of the first body of its chain
    bool broken = false;       // written on several lines, or must be
    std::uint64_t begin = 0;   // how far the line had come before it, were all on one line
    std::uint64_t width = 0;   // of the whole chain on one line, braces included
  };

  /// Chains and widths of all bodies, and which of them hold a line end.
  void measure() {
    std::vector<std::size_t> open;
    std::uint64_t width = 0;
    std::size_t before = none;
    std::size_t closed = none;   // the last body that was closed
    std::size_t resumed = none;  // the chain that the next body belongs to
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (line_ends(i) > 0) {
        // Around a broken body all are broken.
        for (auto body = open.rbegin(); body != open.rend() && !bodies_[bodies_[*body].chain].broken; ++body)
          bodies_[bodies_[*body].chain].broken = true;
      }
      if (is_comment(tokens_[i])) continue;
      const Place &place = places_[i];
      if (before != none) width += blanks(before, i);
      if (place.resumes_item) resumed = bodies_[closed].chain;
      if (place.opens_body) {
        bodies_[i].chain = resumed == none ? i : resumed;
        bodies_[i].begin = width;
        resumed = none;
        open.push_back(i);
      }
      width += length(i);
      if (place.closes_body) {
        closed = open.back();
        Body &first = bodies_[bodies_[closed].chain];
        first.width = width - first.begin;
        open.pop_back();
      }
      before = i;
    }
  }

  /// Line ends between a token and the one before it.
  std::size_t line_ends(std::size_t token) const {
    const std::uint32_t from = token == 0 ? 0 : tokens_[token - 1].end;
    const std::string_view space = text_.substr(from, tokens_[token].begin - from);
    return static_cast<std::size_t>(std::count(space.begin(), space.end(), '\n'));
  }
  std::uint32_t length(std::size_t token) const { return tokens_[token].end - tokens_[token].begin; }
  std::string_view spelling(std::size_t token) const {
    return text_.substr(tokens_[token].begin, tokens_[token].end - tokens_[token].begin);
  }

  /// Blanks between two tokens of the code that stand on one line.
  std::uint32_t blanks(std::size_t left, std::size_t right) const {
    const Place &place = places_[right];
    switch (place.gap) {
      case Gap::verbatim:
        return tokens_[right].begin - tokens_[left].end;
      case Gap::none:
        return 0;
      case Gap::blank:
        break;
    }
    const bool after_an_item = place.begins_item && !places_[left].opens_body && spelling(left) != ",";
    return after_an_item ? between_items : 1;
  }

  bool in_broken_body() const { return !open_.empty() && open_.back(); }

  /// Whether a token of the code begins a line, and how far in.
  std::optional<std::uint32_t> own_line(std::size_t i) const {
    const Place &place = places_[i];
    const std::uint32_t own = place.depth * indent;
    if (out_.empty()) return std::nullopt;
    if (place.begins_item) {
      const bool breaks = place.depth == 0 || (open_.empty() ? line_ends(i) > 0 : in_broken_body());
      if (breaks || after_comment_) return own;
      return std::nullopt;
    }
    if (place.closes_body) {
      if (in_broken_body()) return own;
      return std::nullopt;
    }
    if (after_comment_) return place.resumes_item ? own : own + continuation;
    if (line_ends(i) == 0 || place.resumes_item || place.opens_body) return std::nullopt;
    const std::string_view word = spelling(i);
    if (word == ")" || word == "]") return own;
    const std::string_view before = spelling(previous_);
    const bool may_break = place.gap == Gap::blank || before == "(" || before == "[";
    if (!may_break) return std::nullopt;
    return own + continuation;
  }

  void code(std::size_t i) {
    const Place &place = places_[i];
    if (const std::optional<std::uint32_t> in = own_line(i)) {
      const bool may_be_apart = place.begins_item && !after_open_;
      begin_line(*in, may_be_apart && line_ends(i) > 1);
    } else if (!out_.empty()) {
      if (place.gap == Gap::verbatim) {
        out_ += text_.substr(tokens_[previous_].end, tokens_[i].begin - tokens_[previous_].end);
      } else {
        out_.append(blanks(previous_, i), ' ');
      }
    }
    if (place.opens_body) {
      Body &first = bodies_[bodies_[i].chain];
      if (bodies_[i].chain == i && out_.size() - line_begin_ + first.width > line_width) first.broken = true;
      open_.push_back(first.broken);
    }
    if (place.closes_body) open_.pop_back();
    out_ += spelling(i);
    after_comment_ = false;
    after_open_ = place.opens_body;
  }

  void comment(std::size_t i) {
    const bool own = i == 0 || line_ends(i) > 0;
    if (!own) {
      out_.append(between_items, ' ');
    } else if (!out_.empty()) {
      std::size_t next = i;
      while (next < tokens_.size() && is_comment(tokens_[next])) ++next;
      begin_line(comment_indent(next), !after_open_ && line_ends(i) > 1);
    }
    out_ += without_blanks_behind(spelling(i));
    after_comment_ = true;
    after_open_ = false;
  }

  /// Of a comment on its own line before the token `next` of the code.
  std::uint32_t comment_indent(std::size_t next) const {
    if (next == tokens_.size()) return 0;
    const Place &place = places_[next];
    if (place.closes_body) return (place.depth + 1) * indent;
    if (place.begins_item || place.resumes_item) return place.depth * indent;
    return place.depth * indent + continuation;
  }

  void begin_line(std::uint32_t in, bool apart) {
    out_ += apart ? "\n\n" : "\n";
    line_begin_ = out_.size();
    out_.append(in, ' ');
  }

  std::string_view text_;
  const std::vector<Token> &tokens_;
  const std::vector<Place> &places_;
  std::vector<Body> bodies_;  // by the token of its `{`

  std::string out_;
  std::size_t line_begin_ = 0;   // of the last line of `out_`
  std::size_t previous_ = none;  // the last token of the code
  bool after_comment_ = false;   // which ends its line
  bool after_open_ = false;      // nothing yet in the body
  std::vector<bool> open_;       // bodies around: whether each is broken into lines
};

/// The same words and comments in the same order.
bool same_tokens(std::string_view before, const std::vector<Token> &old_tokens, std::string_view after,
                 const std::vector<Token> &new_tokens) {
  return std::equal(old_tokens.begin(), old_tokens.end(), new_tokens.begin(), new_tokens.end(),
                    [&](const Token &a, const Token &b) {
                      return a.kind == b.kind && without_blanks_behind(before.substr(a.begin, a.end - a.begin)) ==
                                                     without_blanks_behind(after.substr(b.begin, b.end - b.begin));
                    });
}

}  // namespace

std::optional<std::string> format(const diagnostics::Sources &sources, diagnostics::FileId file,
                                  diagnostics::Sink &sink) {
  const LaidOut laid_out = syntax::lay_out(sources, file, sink);
  if (!laid_out.tree.complete) return std::nullopt;
  const std::string_view text = sources.text(file);
  std::string formatted = Formatter(text, laid_out.tree.tokens, laid_out.places).format();

  // A formatter that changes what a plan does would be worse than none: its work is read again.
  diagnostics::Sources again;
  diagnostics::Sink found;
  const diagnostics::FileId id = again.add(sources.path(file), formatted);
  const syntax::SyntaxTree tree = syntax::parse(again, id, found);
  if (!tree.complete || !same_tokens(text, laid_out.tree.tokens, formatted, tree.tokens)) {
    sink.report(diagnostics::Kind::internal_error, {file, 0, 0}, "formatting would change what the file says")
        .help("the file is left as it is; please report it");
    return std::nullopt;
  }
  return formatted;
}

}  // namespace upg::format
