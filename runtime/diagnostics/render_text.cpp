#include "runtime/diagnostics/render_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "runtime/diagnostics/excerpt.h"
#include "runtime/diagnostics/painter.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

constexpr std::size_t kLongestText = 4000;  // bytes of one message, note or label
constexpr std::size_t kMostMarks = 40;      // per file
constexpr std::size_t kMostSteps = 200;     // of a schedule

std::string cut(std::string_view text) {
  if (text.size() <= kLongestText) return std::string(text);
  return std::string(text.substr(0, kLongestText)) + "…";
}

/// Labels of one file, in order.
struct FileMarks {
  FileId file;
  std::vector<Marked> marks;
};

class TextRenderer {
 public:
  TextRenderer(const Diagnostic &diagnostic, const Sources &sources, const TextStyle &style)
      : diagnostic_(diagnostic), sources_(sources), style_(style), out_(style.color) {
    is_error_ = diagnostic.severity() == Severity::error;
    add(diagnostic.primary, is_error_ ? Paint::error : Paint::warning, '^');
    for (const Label &label : diagnostic.secondary) add(label, Paint::gutter, '-');
    gutter_ = fmt::formatted_size("{}", highest_line());
  }

  std::string render() {
    put_header();
    for (std::size_t i = 0; i < files_.size(); ++i) put_file(files_[i], i == 0 && diagnostic_.primary.range.valid());
    const bool facts =
        !homeless_.empty() || !diagnostic_.notes.empty() || !diagnostic_.helps.empty() || !diagnostic_.schedule.empty();
    if (!files_.empty() && (facts || !diagnostic_.fixes.empty())) put_bar();
    for (const std::string_view text : homeless_) put_fact("note", Paint::bold, text);
    for (const std::string &text : diagnostic_.notes) put_fact("note", Paint::bold, text);
    put_schedule();
    for (const std::string &text : diagnostic_.helps) put_fact("help", Paint::bold, text);
    for (const FixIt &fix : diagnostic_.fixes) put_fix_it(fix);
    return out_.take();
  }

 private:
  void add(const Label &label, Paint paint, char sign) {
    const Range range = clamped(label.range, sources_);
    if (!range.valid()) {
      if (!label.text.empty()) homeless_.push_back(label.text);
      return;
    }
    auto home = std::find_if(files_.begin(), files_.end(), [&](const FileMarks &f) { return f.file == range.file; });
    if (home == files_.end()) home = files_.insert(files_.end(), FileMarks{range.file, {}});
    if (home->marks.size() < kMostMarks) home->marks.push_back({range, label.text, paint, sign});
  }

  std::uint32_t highest_line() const {
    std::uint32_t highest = 1;
    for (const FileMarks &file : files_) {
      for (const Marked &mark : file.marks) highest = std::max(highest, last_line(mark.range, sources_));
    }
    for (const FixIt &fix : diagnostic_.fixes) {
      for (const Edit &edit : fix.edits) {
        const Range range = clamped(edit.range, sources_);
        if (range.valid()) highest = std::max(highest, last_line(range, sources_));
      }
    }
    return highest;
  }

  void put_header() {
    out_.put(fmt::format("{}[{}]", is_error_ ? "error" : "warning", info(diagnostic_.kind).code),
             is_error_ ? Paint::error : Paint::warning);
    out_.put(": " + printable(cut(diagnostic_.message)), Paint::bold);
    out_.put("\n");
  }

  std::string place(Range range) const {
    const Position at = sources_.position(range.file, range.begin);
    return fmt::format("{}:{}:{}", printable(sources_.path(range.file)), at.line, at.column);
  }

  void put_bar() {
    put_gutter(out_, gutter_);
    out_.put("\n");
  }

  void put_file(const FileMarks &file, bool primary) {
    if (file.file != files_.front().file) put_bar();
    out_.pad(primary ? gutter_ : gutter_ + 1);
    out_.put(primary ? "-->" : ":::", Paint::gutter);
    out_.put(" " + place(file.marks.front().range) + "\n");
    put_excerpt(out_, sources_, file.marks, gutter_, style_);
  }

  /// "  = note: text", further lines of the text aligned with its first.
  void put_fact(std::string_view what, Paint paint, std::string_view text) {
    put_gutter(out_, gutter_, "=");
    out_.put(" ");
    out_.put(what, paint);
    out_.put(": ");
    put_lines(printable(cut(text), true), gutter_ + what.size() + 5);
  }

  void put_lines(std::string_view text, std::size_t indent) {
    for (bool first = true;; first = false) {
      const std::size_t feed = text.find('\n');
      if (!first && feed != 0) out_.pad(indent);
      out_.put(text.substr(0, feed));
      out_.put("\n");
      if (feed == std::string_view::npos) return;
      text.remove_prefix(feed + 1);
    }
  }

  void put_schedule() {
    const std::vector<ScheduleStep> &steps = diagnostic_.schedule;
    if (steps.empty()) return;
    put_gutter(out_, gutter_, "=");
    out_.put(" ");
    out_.put("schedule that breaks it", Paint::bold);
    out_.put(":\n");
    const std::size_t shown = std::min(steps.size(), kMostSteps);
    const std::size_t width = fmt::formatted_size("{}", shown);
    std::size_t host_columns = 0;
    for (std::size_t i = 0; i < shown; ++i) {
      host_columns = std::max(host_columns, display_columns(printable(steps[i].host)));
    }
    for (std::size_t i = 0; i < shown; ++i) {
      out_.pad(gutter_ + 4);
      out_.put(fmt::format("{:>{}}.", i + 1, width), Paint::gutter);
      const std::string host = printable(steps[i].host);
      if (host_columns > 0) {
        out_.put(" ");
        out_.put(host, Paint::bold);
        out_.pad(host_columns - display_columns(host));
      }
      out_.put(" " + printable(cut(steps[i].text)));
      const Range where = clamped(steps[i].where, sources_);
      if (where.valid()) out_.put(fmt::format("  ({})", place(where)), Paint::gutter);
      out_.put("\n");
    }
    if (shown < steps.size()) {
      out_.pad(gutter_ + 4);
      out_.put(fmt::format("... and {} more\n", steps.size() - shown));
    }
  }

  void put_fix_it(const FixIt &fix) {
    const bool anywhere = !fix.edits.empty() && clamped(fix.edits.front().range, sources_).valid();
    if (!anywhere) return put_fact("help", Paint::bold, fix.title);
    out_.put("help", Paint::help);
    out_.put(": " + printable(cut(fix.title)));
    const Range where = clamped(fix.edits.front().range, sources_);
    if (files_.empty() || files_.front().file != where.file) out_.put("  (" + place(where) + ")");
    out_.put("\n");
    put_fix(out_, sources_, fix, gutter_, style_);
  }

  const Diagnostic &diagnostic_;
  const Sources &sources_;
  const TextStyle &style_;
  Painter out_;
  bool is_error_ = true;
  std::size_t gutter_ = 1;
  std::vector<FileMarks> files_;
  std::vector<std::string_view> homeless_;  // texts of labels that have no place
};

}  // namespace

bool use_color(Color wish, int descriptor) {
  if (wish != Color::automatic) return wish == Color::always;
  const char *no_color = std::getenv("NO_COLOR");
  const char *term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return ::isatty(descriptor) == 1;
}

std::string render_text(const Diagnostic &diagnostic, const Sources &sources, const TextStyle &style) {
  return TextRenderer(diagnostic, sources, style).render();
}

std::string summary(const Sink &sink) {
  if (sink.errors() == 0 && sink.warnings() == 0) return "no errors";
  std::string out;
  if (sink.errors() > 0) out = counted(static_cast<std::int64_t>(sink.errors()), "error");
  if (sink.warnings() > 0)
    out += (out.empty() ? "" : ", ") + counted(static_cast<std::int64_t>(sink.warnings()), "warning");
  if (sink.dropped() > 0) out += fmt::format(" ({} not shown)", sink.dropped());
  return out;
}

std::string render_text(const Sink &sink, const Sources &sources, const TextStyle &style) {
  std::string out;
  for (const Diagnostic &diagnostic : sink.all()) out += render_text(diagnostic, sources, style) + "\n";
  if (!sink.all().empty()) out += summary(sink) + "\n";
  return out;
}

}  // namespace upg::diagnostics
