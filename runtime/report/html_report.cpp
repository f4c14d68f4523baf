#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "runtime/diagnostics/utf8.h"
#include "runtime/machine/past.h"
#include "runtime/report/html.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using machine::Record;

constexpr std::size_t kText = 4000;     // bytes of one text
constexpr std::size_t kRows = 5000;     // of one table
constexpr std::size_t kSteps = 10'000;  // shown in full

std::string badge(const std::string &word) { return fmt::format("<span class=\"badge {0}\">{0}</span>", html(word)); }
std::string cell(const std::string &text) { return "<td>" + html_cut(text, kText) + "</td>"; }
std::string short_id(const std::string &id) { return id.substr(0, 8); }
std::string plural(std::size_t n, const char *what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string size_text(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  return bytes < 10'000'000 ? fmt::format("{} kB", bytes / 1000) : fmt::format("{} MB", bytes / 1'000'000);
}

class Page {
 public:
  Page(const plan::Plan &plan, const std::string &run, const std::string &digest, const std::vector<Record> &records,
       const Outputs &outputs, const std::string &problem)
      : plan_(plan),
        run_(run),
        digest_(digest),
        records_(records),
        outputs_(outputs),
        problem_(problem),
        s_(summarize(records)),
        f_(gather(records)),
        time_(s_) {}

  std::string text() {
    head();
    alarms();
    numbers();
    section("timeline", "Timeline", html_timeline(f_, s_));
    detours();
    hosts();
    actions();
    gates();
    holds();
    outages();
    people();
    log();
    const std::string top = std::move(out_);
    out_ = fmt::format(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta http-equiv=Content-Security-Policy "
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta "
        "name=viewport content=\"width=device-width,initial-scale=1\">\n<meta name=referrer "
        "content=no-referrer>\n<title>{}: {}</title>\n<style>\n",
        html(run_), html(s_.status));
    out_ += page_style;
    out_ += "</style>\n</head>\n<body>\n<a class=jump href=\"#main\">to the report</a>\n" + header_;
    out_ += "<nav aria-label=\"parts of the report\"><ul>" + nav_ + "</ul></nav>\n<main id=main tabindex=-1>\n" + top;
    out_ += fmt::format(
        "</main>\n<footer>Made from the journal of run {}, whose records are chained by their hashes. Times are of the "
        "zone {}. The whole output of every command is in the run's folder under output/.</footer>\n</body>\n</html>\n",
        html(run_), zone());
    return std::move(out_);
  }

 private:
  static std::string zone() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return fmt::format("{:%Z}", local);
  }

  void section(const char *id, const char *title, const std::string &body) {
    if (body.empty()) return;
    nav_ += fmt::format("<li><a href=\"#{}\">{}</a></li>", id, title);
    out_ +=
        fmt::format("<section id={0} aria-labelledby={0}-h><h2 id={0}-h>{1}</h2>\n{2}</section>\n", id, title, body);
  }

  /// A table of at most so many rows; the rest is counted.
  template <class Things, class Row>
  static std::string table(const char *head, const Things &things, Row row) {
    std::string rows;
    std::size_t shown = 0, more = 0;
    for (const auto &thing : things) {
      std::string one = shown < kRows ? row(thing) : std::string("more");
      if (one.empty()) continue;
      if (shown >= kRows) {
        ++more;
        continue;
      }
      rows += "<tr>" + one + "</tr>\n";
      ++shown;
    }
    if (rows.empty()) return {};
    if (more) rows += fmt::format("<tr><td colspan=9 class=dim>and {} more, in the journal</td></tr>\n", more);
    return fmt::format("<table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table>\n", head, rows);
  }
  std::string when(std::int64_t ms) const { return "<td class=t>" + (ms ? time_(ms) : "-") + "</td>"; }

  void head() {
    header_ =
        fmt::format("<header><h1>{} {} of {} {}</h1>\n", plan_.kind == plan::PlanKind::repair ? "Repair" : "Upgrade",
                    html(plan_.text(plan_.name)), html(plan_.text(plan_.cluster)), badge(s_.status));
    header_ += "<dl class=facts>";
    auto fact = [&](const char *name, const std::string &value) {
      header_ += fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
    };
    if (!s_.reason.empty()) fact("because", html_cut(s_.reason, kText));
    if (plan_.to.valid()) fact("versions", html(plan_.text(plan_.from)) + " &rarr; " + html(plan_.text(plan_.to)));
    fact("run", "<code>" + html(run_) + "</code>");
    fact("began", html(date_time(s_.began_ms)));
    fact(s_.status == "interrupted" ? "last heard of" : "ended",
         html(fmt::format("{}, after {}", date_time(s_.ended_ms), duration(s_.ended_ms - s_.began_ms))));
    fact("plan digest", "<code>" + html(digest_) + "</code>");
    std::string who;
    for (std::size_t i = 0; i < f_.sessions.size() && i < 20; ++i)
      who += fmt::format("{}{} (process {}) {} to {}", i ? "<br>" : "", html(f_.sessions[i].user),
                         html(f_.sessions[i].pid), time_(f_.sessions[i].began_ms), time_(f_.sessions[i].ended_ms));
    if (f_.sessions.size() > 20) who += fmt::format("<br>and {} more", f_.sessions.size() - 20);
    fact("controllers", who);
    header_ += "</dl></header>\n";
  }

  void alarm(const std::string &title, const std::string &body, bool note = false) {
    out_ += fmt::format("<div class=\"alarm{}\" role=note><h2>{}</h2>{}</div>\n", note ? " note" : "", title, body);
  }

  void alarms() {
    if (!problem_.empty())
      alarm("The journal is not whole",
            fmt::format(
                "<p>{}. What stands below is what can be proved; more was done than it says, or may have been.</p>",
                html(problem_)));
    std::string list;
    for (const HoldSpan &h : f_.holds)
      if (!h.released_ms) list += fmt::format("<li><b>{}</b> since {}</li>", html(h.text), html(date_time(h.taken_ms)));
    if (!list.empty()) alarm("Holds still in force", "<ul>" + list + "</ul>");
    list.clear();
    for (std::size_t i = 0; i < f_.steps.size(); ++i)
      if (f_.steps[i].outcome == "unknown")
        list += fmt::format("<li><a href=\"#{}\">{}</a>{}</li>", step_anchor(i), html_cut(f_.steps[i].action, 200),
                            f_.steps[i].host.empty() ? "" : " on " + html(f_.steps[i].host));
    if (!list.empty())
      alarm("Begun, and no end is known", "<ul>" + list + "</ul><p>They may still run on the host.</p>");
    list.clear();
    for (const Outage &o : f_.outages)
      if (!o.closed_ms) list += fmt::format("<li>{}: {} since {}</li>", html(o.host), html(o.role), time_(o.opened_ms));
    if (!list.empty()) alarm("Taken out of service, and not proven back", "<ul>" + list + "</ul>");
    if (s_.status == "stopped" || s_.status == "halted" || s_.status == "interrupted")
      alarm("The run is not at its end",
            fmt::format("<p>What goes on with it: <code>upgrun resume {}</code></p>", html(run_)), true);
  }

  void numbers() {
    std::map<std::string, std::size_t> outcomes;
    for (const Step &s : f_.steps) ++outcomes[s.outcome];
    std::size_t boots = 0, waits = 0;
    for (const HostFacts &h : f_.hosts) boots += h.boots.size() > 1;
    for (const GateWait &g : f_.gates) waits += g.waited;
    out_ += "<ul class=numbers>";
    auto number = [&](std::size_t n, const char *what) { out_ += fmt::format("<li><b>{}</b>{}</li>", n, what); };
    number(f_.hosts.size(), "hosts");
    number(boots, "booted anew");
    number(outcomes["done"], "actions done");
    for (const char *other : {"failed", "unknown", "skipped"})
      if (outcomes[other]) number(outcomes[other], other);
    number(f_.gates.size(), "gates asked");
    number(waits, "waited for");
    number(f_.holds.size(), "holds");
    number(f_.confirmations.size(), "answers by people");
    out_ += "</ul>\n";
  }

  void detours() {
    section("detours", "What did not go straight on",
            table("<th>time<th>what", f_.detours, [&](const Said &d) { return when(d.ms) + cell(d.text); }));
    section("waivers", "Accepted risks that came into force",
            table("<th>time<th>rule and reason", f_.waivers, [&](const Said &w) { return when(w.ms) + cell(w.text); }));
  }

  void hosts() {
    section("hosts", "Hosts", table("<th>host<th>machine id<th>boot ids<th>actions", f_.hosts, [&](const HostFacts &h) {
              std::string boots;
              for (const HostFacts::Boot &b : h.boots)
                boots += fmt::format("{}<code title=\"{}\">{}</code>", boots.empty() ? "" : " &rarr; ", html(b.id),
                                     html(short_id(b.id))) +
                         (b.ms == h.boots.front().ms ? "" : " at " + time_(b.ms));
              std::size_t n = 0;
              for (const Step &s : f_.steps) n += s.host == h.name;
              return cell(h.name) + "<td><code>" + html(h.machine_id) + "</code></td><td>" + boots +
                     "</td><td class=n>" + std::to_string(n) + "</td>";
            }));
  }

  /// What the commands of the step printed.
  std::string printed(const Step &step) const {
    auto it = outputs_.find(step.key);
    std::string text;
    if (it == outputs_.end()) return text;
    for (const OutputPiece &o : it->second) {
      text += fmt::format("<details{}><summary>{} of {}, {}</summary>", step.outcome == "failed" ? " open" : "",
                          o.error ? "stderr" : "stdout", html(o.host), size_text(o.size));
      if (o.left_out)
        text += "<p class=dim>left out of this report; it is in the run's folder</p>";
      else if (o.end.size() < o.size)
        text += fmt::format("<p class=dim>the last {} of it</p>", size_text(o.end.size()));
      text += "<pre tabindex=0>" + html(o.end) + "</pre></details>";
    }
    return text;
  }

  std::string step(std::size_t i) const {
    const Step &s = f_.steps[i];
    std::string facts = s.ended_ms && s.outcome != "skipped" ? duration(s.ended_ms - s.began_ms) : std::string();
    if (s.attempts > 1) facts += fmt::format("{}{} attempts", facts.empty() ? "" : ", ", s.attempts);
    if (s.undone) facts += ", undone later";
    std::string text =
        fmt::format("<div class=step id={}><span class=t>{}</span> {} <b>{}</b> <span class=dim>{}</span>",
                    step_anchor(i), time_(s.began_ms), badge(s.outcome), html_cut(s.action, 400), facts);
    if (!s.detail.empty()) text += "<p>" + html_cut(s.detail, kText) + "</p>";
    std::string last;
    for (const Step::Command &c : s.commands) {
      std::string line = fmt::format("<div class=cmd><code>{}</code> <span class=dim>on {}</span></div>",
                                     html_cut(c.text, kText), html(c.host));
      if (line != last) text += line;  // the same command again is another attempt
      last = std::move(line);
    }
    return text + printed(s) + "</div>\n";
  }

  void actions() {
    std::vector<std::string> names;
    for (const HostFacts &h : f_.hosts) names.push_back(h.name);
    for (const Step &s : f_.steps)
      if (std::find(names.begin(), names.end(), s.host) == names.end()) names.push_back(s.host);
    std::string body;
    std::size_t shown = 0;
    for (const std::string &name : names) {
      std::string steps;
      std::size_t n = 0;
      for (std::size_t i = 0; i < f_.steps.size(); ++i) {
        if (f_.steps[i].host != name) continue;
        if (++n, ++shown <= kSteps) steps += step(i);
      }
      if (n)
        body += fmt::format("<h3>{} <span class=dim>{}</span></h3>\n{}", name.empty() ? "on no host" : html(name),
                            plural(n, "action"), steps);
    }
    if (shown > kSteps) body += fmt::format("<p>{} more are in the journal.</p>", shown - kSteps);
    section("actions", "What was done", body);
  }

  void gates() {
    auto row = [&](const GateWait &g) {
      std::string answers = html_cut(g.answer, kText);
      if (g.answers.size() > 1) {
        answers += fmt::format("<details><summary>{}</summary>", plural(g.answers.size(), "answer"));
        for (const auto &[ms, answer] : g.answers) answers += time_(ms) + " " + html_cut(answer, 400) + "<br>";
        answers += "</details>";
      }
      return when(g.began_ms) + cell(g.host) + "<td><code>" + html_cut(g.gate, kText) + "</code></td><td class=n>" +
             (g.ended_ms ? duration(g.ended_ms - g.began_ms) : "-") + "</td><td>" + badge(g.result) + "</td><td>" +
             answers + "</td>";
    };
    static constexpr const char *kHead = "<th>asked<th>host<th>gate<th>waited<th>result<th>answer";
    auto slow = [](const GateWait &g) { return g.waited || g.result != "passed"; };
    std::string body = table(kHead, f_.gates, [&](const GateWait &g) { return slow(g) ? row(g) : std::string(); });
    const auto quick = static_cast<std::size_t>(
        std::count_if(f_.gates.begin(), f_.gates.end(), [&](const GateWait &g) { return !slow(g); }));
    if (quick)
      body += fmt::format("<details><summary>{} passed at once</summary>\n{}</details>\n", plural(quick, "gate"),
                          table(kHead, f_.gates, [&](const GateWait &g) { return slow(g) ? std::string() : row(g); }));
    section("gates", "Gates", body);
  }

  void holds() {
    section("holds", "Holds",
            table("<th>hold<th>taken<th>released<th>found before<th>", f_.holds, [&](const HoldSpan &h) {
              return "<td><code>" + html(h.text) + "</code></td>" + when(h.taken_ms) + when(h.released_ms) +
                     cell(h.was) + "<td>" +
                     (h.released_ms ? h.because == "halt" ? "given back by the halt" : "" : badge("open")) + "</td>";
            }));
  }

  void outages() {
    section("outages", "Out of service by the plan",
            table("<th>host<th>role<th>from<th>to<th>for", f_.outages, [&](const Outage &o) {
              return cell(o.host) + cell(o.role) + when(o.opened_ms) + when(o.closed_ms) + "<td class=n>" +
                     (o.closed_ms ? duration(o.closed_ms - o.opened_ms) : "<b>not proven back</b>") + "</td>";
            }));
  }

  void people() {
    section("people", "Answered by people",
            table("<th>time<th>who<th>answer<th>to", f_.confirmations,
                  [&](const Confirmation &c) { return when(c.ms) + cell(c.who) + cell(c.answer) + cell(c.text); }));
  }

  void log() {
    section("log", "Every record",
            "<details class=log><summary>" + plural(records_.size(), "record") + "</summary>\n" +
                table("<th>no.<th>time<th>what<th>step", records_,
                      [&](const Record &r) {
                        const std::string text = tell(r);
                        return fmt::format("<td class=n>{}</td>", r.number) + when(r.unix_ms) +
                               cell(text.empty() ? machine::info(r.event).name : text) + "<td><code>" +
                               html_cut(r.key, 200) + "</code></td>";
                      }) +
                "</details>\n");
  }

  const plan::Plan &plan_;
  const std::string &run_, &digest_;
  const std::vector<Record> &records_;
  const Outputs &outputs_;
  const std::string &problem_;
  RunSummary s_;
  Facts f_;
  Times time_;
  std::string out_, nav_, header_;
};

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const diagnostics::Utf8Step step = diagnostics::utf8_step(text, at);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if (c == '\n' || c == '\t')
      out += c;
    else if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n')
      out += "";
    else if (!step.valid || diagnostics::must_escape(step.code_point))
      out += html(diagnostics::escaped(step));
    else
      out.append(text, at, step.length);
    at += step.length;
  }
  return out;
}

std::string html_cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return html(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return html(text.substr(0, most)) + fmt::format(" <span class=dim>... {} in all</span>", size_text(text.size()));
}

std::string step_anchor(std::size_t step) { return fmt::format("step{}", step + 1); }

std::string Times::operator()(std::int64_t unix_ms) const {
  if (!days_) return clock_time(unix_ms);
  const std::time_t t = unix_ms / 1000;
  std::tm local{};
  localtime_r(&t, &local);
  return fmt::format("{:%a %H:%M:%S}", local);
}

std::string html_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<Record> &records, const Outputs &outputs, const std::string &problem) {
  return Page(plan, run, digest, records, outputs, problem).text();
}

}  // namespace upg::report
