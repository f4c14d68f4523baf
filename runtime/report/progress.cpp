#include "runtime/report/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using machine::Event;
using machine::Machine;
using machine::Millis;
using machine::Record;

constexpr std::int64_t kHeartbeat = 30'000;

/// Records that a person at a terminal need not read one by one.
bool quiet(const Record &r) {
  return r.event == Event::identity_seen || r.event == Event::outage_opened || r.event == Event::outage_closed ||
         r.event == Event::gate_waiting;
}

std::string activity_line(const plan::Plan &plan, const machine::Activity &a, std::int64_t unix_ms, Millis now) {
  std::string host = a.host.valid() ? std::string(plan.text(plan.hosts[a.host.index].name)) : std::string("-");
  std::string line = fmt::format("{:<12} {} ({}", host, a.what, duration(unix_ms - a.since_unix_ms));
  if (a.deadline_ms > now) line += fmt::format(", at most {} more", duration(a.deadline_ms - now));
  line += ")";
  if (!a.detail.empty()) line += ": " + a.detail;
  return printable(line);
}

/// What is being waited for, innermost last.
std::vector<machine::Activity> leaves(const Machine &machine) {
  std::vector<machine::Activity> all = machine.activities(), out;
  for (const auto &a : all) {
    bool outer = false;
    for (const auto &b : all) outer = outer || (b.key.size() > a.key.size() && b.key.starts_with(a.key));
    if (!outer) out.push_back(a);
  }
  return out;
}

constexpr std::int64_t kSilent = 2'000;  // shorter ones are not told

std::string silence_text(const plan::Plan &plan, const machine::Silence &s) {
  std::string text =
      fmt::format("{} does not answer since {}", plan.text(plan.hosts[s.host.index].name), clock_time(s.since_unix_ms));
  if (s.until_unix_ms) text += fmt::format("; it is waited for until {}", clock_time(s.until_unix_ms));
  return printable(s.why.empty() ? text : text + ": " + s.why);
}

/// Which hosts fell silent and which answer again, each told once.
class Listener {
 public:
  template <class Told>
  void listen(const Machine &machine, std::int64_t unix_ms, Told told) {
    std::set<std::uint32_t> now_silent;
    for (const machine::Silence &s : machine.silent()) {
      if (unix_ms - s.since_unix_ms < kSilent) continue;
      now_silent.insert(s.host.index);
      if (silent_.insert(s.host.index).second) told(s, false);
    }
    for (auto it = silent_.begin(); it != silent_.end();) {
      if (now_silent.count(*it)) {
        ++it;
        continue;
      }
      told(machine::Silence{plan::HostId(*it), unix_ms, 0, {}}, true);
      it = silent_.erase(it);
    }
  }

 private:
  std::set<std::uint32_t> silent_;
};

class Plain : public Progress {
 public:
  Plain(const plan::Plan &plan, std::FILE *out) : plan_(plan), out_(out) {}

  void recorded(const Record &r) override {
    if (r.event == Event::gate_waiting && r.unix_ms - last_ms_ < 5'000) return;  // the heartbeat tells
    if (r.event == Event::outage_opened || r.event == Event::outage_closed) return;
    if (std::string text = tell(r); !text.empty()) line(r.unix_ms, text);
  }
  void output(const std::string &, plan::HostId, bool, bool, std::string_view) override {}
  void said(const std::string &text) override {
    fmt::print(out_, "{}\n", printable(text));
    std::fflush(out_);
  }
  void tick(const Machine &machine, std::int64_t unix_ms, Millis now) override {
    if (last_ms_ == 0) last_ms_ = unix_ms;
    listener_.listen(machine, unix_ms, [&](const machine::Silence &s, bool over) {
      line(unix_ms,
           over ? fmt::format("{} answers again", plan_.text(plan_.hosts[s.host.index].name)) : silence_text(plan_, s));
    });
    if (unix_ms - last_ms_ < kHeartbeat) return;
    for (const auto &a : leaves(machine)) line(unix_ms, "still: " + activity_line(plan_, a, unix_ms, now));
    last_ms_ = unix_ms;
  }

 private:
  void line(std::int64_t unix_ms, const std::string &text) {
    fmt::print(out_, "{} {}\n", clock_time(unix_ms), printable(text));
    std::fflush(out_);
    last_ms_ = unix_ms;
  }
  const plan::Plan &plan_;
  std::FILE *out_;
  std::int64_t last_ms_ = 0;
  Listener listener_;
};

/// Lines scroll above a block that is drawn anew: what each host does now, which gate is waited for, which holds are in
/// force.
class Live : public Progress {
 public:
  Live(const plan::Plan &plan, std::FILE *out) : plan_(plan), out_(out) {}
  ~Live() override { erase(); }

  void recorded(const Record &r) override {
    if (quiet(r)) return;
    if (std::string text = tell(r); !text.empty()) above(fmt::format("{} {}", clock_time(r.unix_ms), printable(text)));
  }
  void output(const std::string &, plan::HostId, bool, bool, std::string_view) override {}
  void said(const std::string &text) override { above(printable(text)); }
  void tick(const Machine &machine, std::int64_t unix_ms, Millis now) override {
    if (start_ == 0) start_ = unix_ms;
    if (paused_ || unix_ms - drawn_ms_ < 200) return;
    drawn_ms_ = unix_ms;
    lines_.clear();
    lines_.push_back(fmt::format("\x1b[1m{} of {}\x1b[0m  {}", plan_.text(plan_.name), plan_.text(plan_.cluster),
                                 duration(unix_ms - start_)));
    for (const auto &a : leaves(machine)) lines_.push_back("  " + activity_line(plan_, a, unix_ms, now));
    for (const machine::Silence &s : machine.silent())
      if (unix_ms - s.since_unix_ms >= kSilent) lines_.push_back("  \x1b[31m" + silence_text(plan_, s) + "\x1b[0m");
    std::string holds;
    for (const auto &h : machine.holds())
      holds += fmt::format("{}{}{} for {}", holds.empty() ? "" : ", ", h.name,
                           h.arguments.empty() ? "" : "(" + h.arguments + ")", duration(unix_ms - h.since_unix_ms));
    if (!holds.empty()) lines_.push_back("  \x1b[33mholds:\x1b[0m " + printable(holds));
    draw();
  }
  void pause() override {
    erase();
    paused_ = true;
  }
  void finish() override {
    erase();
    lines_.clear();
  }

 private:
  void above(const std::string &text) {
    erase();
    fmt::print(out_, "{}\n", text);
    paused_ = false;
    draw();
  }
  void erase() {
    for (std::size_t i = 0; i < drawn_; ++i) fmt::print(out_, "\x1b[1A\x1b[2K");
    drawn_ = 0;
    std::fflush(out_);
  }
  void draw() {
    erase();
    winsize size{};
    std::size_t width = ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 120;
    std::size_t height = size.ws_row > 6 ? size.ws_row / 2u : 12;
    for (const std::string &l : lines_) {
      if (drawn_ >= height) break;
      fmt::print(out_, "{}\n", cut(l, width - 1));
      ++drawn_;
    }
    std::fflush(out_);
  }
  /// To `width` columns, escape sequences not counted; only our own are in it.
  static std::string cut(const std::string &s, std::size_t width) {
    std::string out;
    std::size_t columns = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (s[i] == '\x1b') {
        while (i < s.size() && s[i] != 'm') out += s[i++];
        if (i < s.size()) out += s[i];
        continue;
      }
      bool continuation = (static_cast<unsigned char>(s[i]) & 0xC0) == 0x80;
      if (!continuation && ++columns > width) break;
      out += s[i];
    }
    return out + "\x1b[0m";
  }

  const plan::Plan &plan_;
  std::FILE *out_;
  std::vector<std::string> lines_;
  std::size_t drawn_ = 0;
  std::int64_t start_ = 0, drawn_ms_ = 0;
  bool paused_ = false;
};

class Json : public Progress {
 public:
  Json(const plan::Plan &plan, std::FILE *out) : plan_(plan), out_(out) {}
  void recorded(const Record &r) override {
    nlohmann::json j = nlohmann::json::parse(r.data, nullptr, false);
    if (!j.is_object()) j = nlohmann::json::object();
    nlohmann::json line = {{"number", r.number},
                           {"unix_ms", r.unix_ms},
                           {"event", machine::info(r.event).name},
                           {"key", r.key},
                           {"data", std::move(j)}};
    print(line);
  }
  void output(const std::string &, plan::HostId, bool, bool, std::string_view) override {}
  void said(const std::string &text) override { print({{"event", "said"}, {"text", text}}); }
  void tick(const Machine &machine, std::int64_t unix_ms, Millis) override {
    if (last_ms_ == 0) last_ms_ = unix_ms;
    listener_.listen(machine, unix_ms, [&](const machine::Silence &s, bool over) {
      print({{"event", over ? "host_answers" : "host_silent"},
             {"unix_ms", unix_ms},
             {"key", ""},
             {"data",
              {{"host", plan_.text(plan_.hosts[s.host.index].name)},
               {"since_unix_ms", s.since_unix_ms},
               {"until_unix_ms", s.until_unix_ms},
               {"why", s.why}}}});
    });
    if (unix_ms - last_ms_ < kHeartbeat) return;
    last_ms_ = unix_ms;
    nlohmann::json doing = nlohmann::json::array();
    for (const auto &a : leaves(machine))
      doing.push_back({{"key", a.key}, {"what", a.what}, {"detail", a.detail}, {"since_unix_ms", a.since_unix_ms}});
    print({{"event", "heartbeat"}, {"unix_ms", unix_ms}, {"doing", std::move(doing)}});
  }

 private:
  void print(const nlohmann::json &j) {
    fmt::print(out_, "{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    std::fflush(out_);
  }
  const plan::Plan &plan_;
  std::FILE *out_;
  std::int64_t last_ms_ = 0;
  Listener listener_;
};

}  // namespace

std::unique_ptr<Progress> make_progress(ProgressKind kind, const plan::Plan &plan, std::FILE *out) {
  if (kind == ProgressKind::automatic) {
    const char *term = std::getenv("TERM");
    kind = isatty(fileno(out)) && term && std::string_view(term) != "dumb" ? ProgressKind::live : ProgressKind::plain;
  }
  if (kind == ProgressKind::json) return std::make_unique<Json>(plan, out);
  if (kind == ProgressKind::live) return std::make_unique<Live>(plan, out);
  return std::make_unique<Plain>(plan, out);
}

}  // namespace upg::report
