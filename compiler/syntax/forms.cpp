#include "compiler/syntax/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace upg::syntax {
namespace {

// A test parses each of them.
constexpr Form kForms[] = {
    {Within::file, R"(module shop)"},
    {Within::file, R"(use linux, systemd)"},
    {Within::file, R"(param release: string = "2.1")"},
    {Within::file, R"(secret token from prompt)"},
    {Within::file, R"(cluster shop { host db1 "10.0.0.1" { roles member } })"},
    {Within::file, R"(hosts active = h in member where role_of(h) == "active")"},
    {Within::file, R"(role member { available quorum  health joined  stoppable spare })"},
    {Within::file, R"(state os(h: host) { old, new } observe os_of(h))"},
    {Within::file, R"(probe size_of(h: host) -> int { return int((run("size") on h).stdout) })"},
    {Within::file, R"(gate joined(h: host) { pass when state_of(h) == "joined"  poll 5s for 10m })"},
    {Within::file, R"(action restart(h: host) { disrupts member on h  run("restart") on h  takes 5s..3m })"},
    {Within::file,
     R"(hold quiet { observe is_quiet()  acquire { run("hush") on h }  release { run("talk") on h }  on halt keep })"},
    {Within::file, R"(procedure turn(n: host) { restart(n) })"},
    {Within::file, R"(order mon before mgr before osd)"},
    {Within::file, R"(rank hypervisor < storage)"},
    {Within::file, R"(versions pve { "7" -> "8" -> "9" })"},
    {Within::file, R"(command "dbctl stop *" implies disrupts member)"},
    {Within::file, R"(upgrade database of shop { preflight { await in_service(all) } })"},
    {Within::file, R"(repair database of shop { preflight { await reachable } })"},

    {Within::cluster, R"(host db1 "10.0.0.1" { roles member })"},
    {Within::cluster, R"(host db1 out "mainboard burnt")"},
    {Within::cluster, R"(import "inventory.json" { group "db" as member })"},
    {Within::import, R"(group "db" as member)"},
    {Within::host, R"(roles member, balancer)"},
    {Within::host, R"(via jump1)"},
    {Within::host, R"(guest of hypervisor at location)"},

    {Within::role, R"(available quorum)"},
    {Within::role, R"(available >= 2)"},
    {Within::role, R"(available all but 1)"},
    {Within::role, R"(available may be down)"},
    {Within::role, R"(serial)"},
    {Within::role, R"(health joined)"},
    {Within::role, R"(stoppable spare)"},
    {Within::role, R"(stoppable always "it has no such question")"},
    {Within::role, R"(roster members)"},
    {Within::role, R"(votes host.votes)"},
    {Within::role, R"(settles 10s)"},
    {Within::role, R"(boot boot_id)"},
    {Within::role, R"(identity machine_id)"},
    {Within::role, R"(down only under noout)"},
    {Within::state, R"(on boot armed -> new)"},
    {Within::state, R"(while armed taints calm)"},

    {Within::question, R"(let r = run("df", "-h") on h)"},
    {Within::question, R"(return r.code)"},
    {Within::question, R"(if r.code == 0 { return 1 } else { return 2 })"},
    {Within::gate, R"(let r = run("dbctl", "status") on h)"},
    {Within::gate, R"(pass when r.code == 0)"},
    {Within::gate, R"(fail when r.code == 2)"},
    {Within::gate, R"(poll 5s for 10m)"},
    {Within::gate, R"(stable 3)"},
    {Within::gate, R"(watches member)"},
    {Within::gate, R"(watches nothing)"},
    {Within::gate, R"(clears guest on h)"},

    {Within::action, R"(requires joined(h), os(h) == old)"},
    {Within::action, R"(changes member on h)"},
    {Within::action, R"(disrupts member on h)"},
    {Within::action, R"(disrupts all on h)"},
    {Within::action, R"(spills member)"},
    {Within::action, R"(reaches member)"},
    {Within::action, R"(destroys "the data of the host")"},
    {Within::action, R"(reinstalls h)"},
    {Within::action, R"(moves os(h): old -> new)"},
    {Within::action, R"(done when installed(h) == "2.1")"},
    {Within::action, R"(retry 2 every 30s)"},
    {Within::action, R"(idempotent)"},
    {Within::action, R"(once)"},
    {Within::action, R"(takes 30s..10m)"},
    {Within::action, R"(awaits boot of h)"},
    {Within::action, R"(undo { run("dbctl", "back") on h })"},
    {Within::action, R"(undo nothing "it may stay")"},
    {Within::action, R"(operator "pull the power cable")"},
    {Within::action, R"(let r = run("dbctl", "status") on h)"},
    {Within::action, R"(run("apt-get", "-y", "upgrade") on h env LANG = "C")"},
    {Within::action, R"(sh("dbctl dump | gzip > /var/backups/db.gz") on h)"},
    {Within::action, R"(for x in disks at most 50 { run("check", x) on h })"},
    {Within::hold, R"(observe is_quiet())"},
    {Within::hold, R"(acquire { run("dbctl", "quiet", "on") on h })"},
    {Within::hold, R"(release { run("dbctl", "quiet", "off") on h })"},
    {Within::hold, R"(taints calm)"},
    {Within::hold, R"(on halt keep)"},
    {Within::hold, R"(on wait release)"},
    {Within::hold, R"(requires joined(h))"},
    {Within::hold, R"(changes member on h)"},
    {Within::hold, R"(disrupts member on h)"},
    {Within::hold, R"(spills member)"},
    {Within::hold, R"(reaches member)"},
    {Within::hold, R"(takes 1s..30s)"},
    {Within::hold, R"(moves os(h): old -> new)"},

    {Within::upgrade, R"(from "8" to "9")"},
    {Within::upgrade, R"(window every "Sat 20:00" for 10h tz "Europe/Berlin")"},
    {Within::upgrade, R"(window "2026-12-31 20:00" for 4h tz "UTC")"},
    {Within::upgrade, R"(exclusive "platform-upgrade")"},
    {Within::upgrade, R"(initially every n in member: os(n) == old)"},
    {Within::upgrade, R"(finally every n in member: os(n) == new)"},
    {Within::upgrade, R"(tolerate 2)"},
    {Within::upgrade, R"(host db1 out "mainboard burnt")"},
    {Within::upgrade, R"(preflight { await in_service(all) })"},
    {Within::upgrade, R"(postflight { await in_service(all) })"},
    {Within::upgrade, R"(on abort { await in_service(all) })"},
    {Within::upgrade, R"(param release: string = "2.1")"},
    {Within::upgrade, R"(secret token from prompt)"},

    {Within::block, R"(await joined(n))"},
    {Within::block, R"(expect os(n) == new)"},
    {Within::block, R"(let r = size_of(n))"},
    {Within::block, R"(with quiet { restart(n) })"},
    {Within::block, R"(rolling n in member { restart(n) })"},
    {Within::block, R"(rolling n in member batch 2 at most 1h { restart(n) })"},
    {Within::block, R"(for n in member { await joined(n) })"},
    {Within::block, R"(at most 2h { restart(n) })"},
    {Within::block, R"(phase storage after nodes { restart(n) })"},
    {Within::block, R"(parallel { restart(a) } and { restart(b) })"},
    {Within::block, R"(if size_of(n) > 5 { shrink(n) })"},
    {Within::block, R"(unless os(n) == new { install(n) })"},
    {Within::block, R"(attempt 3 { install(n) } recover when broken(n) { mend(n) })"},
    {Within::block, R"(point of no return "packages of 9 have no way back")"},
    {Within::block, R"(accept outage of member for at most 15m reason "it has no second host" { restart(n) })"},
    {Within::block, R"(admit { await calm })"},
    {Within::block, R"(operator "pull the power cable")"},
    {Within::block, R"(ask "does the console work?")"},
};

struct Habit {
  enum Where : std::uint8_t { anywhere, file, body, steps } where;  // steps: of a plan
  std::string_view words;                                           // blanks between them
  std::string_view text;
};
constexpr Habit kHabits[] = {
    {Habit::anywhere, "fresh",
     "there is no `fresh`: a gate that a destructive step relies on is asked again right at the step"},
    {Habit::anywhere, "while until loop repeat", "there are no open loops: wait with a gate, repeat with `attempt N`"},
    {Habit::anywhere, "reads", "a step without effects is a probe"},
    {Habit::anywhere, "return", "only probes return values"},
    {Habit::anywhere, "is equals eq", "values are compared with `==`, texts also with `contains` and `matches`"},
    {Habit::anywhere, "like", "patterns are written `x matches r\"...\"`"},
    {Habit::file, "include require using from load source",
     "`use linux` takes modules in; `import` stands in a cluster and names an inventory"},
    {Habit::anywhere, "import", "`use linux` takes modules in; `import` stands in a cluster and names an inventory"},
    {Habit::file, "def fn func function sub proc method macro",
     "write `procedure` for steps, `probe` for a question, `gate` for a condition that is waited for"},
    {Habit::file, "check test assert healthcheck condition monitor",
     "write `probe` for a question, `gate` for a condition that is waited for"},
    {Habit::file, "task step operation play handler",
     "what is done to a host is an `action`; the plan is `upgrade NAME of CLUSTER { }`"},
    {Habit::file, "plan playbook deploy deployment rollout workflow pipeline job run rolling preflight main",
     "the plan is written `upgrade NAME of CLUSTER { }`, and its steps stand in it"},
    {Habit::file, "const var variable vars let set val",
     "a value of the build is written `param NAME: TYPE = VALUE`; `let` stands in bodies"},
    {Habit::file, "inventory nodes node machines group groups server servers host",
     "hosts stand in a `cluster`, what they are there for is a `role`"},
    {Habit::file, "service", "what hosts are there for is a `role`"},
    {Habit::file, "type struct class enum interface",
     "there are no types to declare; a state has its values: `state NAME { a, b }`"},
    {Habit::file, "lock mutex maintenance", "what is entered and left in pairs is a `hold`"},
    {Habit::anywhere, "function", "write `procedure`, or `probe` for a question"},
    {Habit::body, "var const set val", "write `let`"},
    {Habit::steps, "wait sleep delay pause wait_for", "wait with a gate: `await g`; a person is asked with `ask`"},
    {Habit::body, "sleep", "wait with a gate: `await g`"},
    {Habit::steps, "call do exec execute invoke perform start", "an action is called by its name: `restart(n)`"},
    {Habit::anywhere, "try catch rescue ensure on_error on_failure ignore_errors",
     "failures are met with `attempt N { } recover when COND { } otherwise { }`"},
    {Habit::anywhere, "foreach each",
     "write `for x in LIST { }`, or `rolling n in ROLE { }` for one host after the other"},
    {Habit::steps, "serial strategy parallelism forks", "a rollout is serial unless it says `batch N`"},
    {Habit::steps, "hold lock under using", "a hold is entered with `with HOLD { }`"},
    {Habit::anywhere, "elif elseif elsif", "write `else if`"},
    {Habit::anywhere, "then begin end fi endif done_ esac", "blocks stand in braces"},
    {Habit::anywhere, "switch case match select", "write `if COND { } else if COND { }`"},
    {Habit::steps, "assert verify require ensure check", "write `await GATE`, or `expect STATE == VALUE`"},
    {Habit::steps, "run sh shell command bash ssh exec",
     "commands stand in an `action`, which says what they do; the plan calls it"},
    {Habit::body, "shell command bash exec", "write `run(\"program\", \"argument\") on h`, or `sh(\"a | b\") on h`"},
    {Habit::body, "timeout deadline max_time",
     "`takes TYPICAL..WORST` in an action: the worst is its deadline; `poll 10s for 5m` in a gate"},
    {Habit::body, "retries", "write `retry 2 every 30s`"},
    {Habit::body, "interval", "write `poll 10s for 5m`"},
    {Habit::steps, "when", "write `if COND { }`"},
    {Habit::anywhere, "print echo log debug",
     "there is nothing to print: the run tells every step, and what it answered"},
    {Habit::anywhere, "break continue exit abort", "a failure halts the run; a condition is `if COND { }`"},
};

bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
std::string_view first_word(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), word_char);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}
/// Whether `word` stands in `text` outside of strings, as a word of its own.
bool stands_in(std::string_view text, std::string_view word) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted || (i > 0 && word_char(text[i - 1])) || first_word(text.substr(i)) != word) continue;
    return true;
  }
  return false;
}
bool stands_here(Within form, Within place) {
  return form == place || (place == Within::upgrade && form == Within::block);
}

}  // namespace

std::span<const Form> forms() { return kForms; }

std::string written(Within place, std::string_view word) {
  std::string ways;
  for (const Form &form : kForms) {
    if (!stands_here(form.place, place) || first_word(form.text) != word) continue;
    if (form.text == word) return fmt::format("`{}` stands alone", word);
    ways += fmt::format("{}`{}`", ways.empty() ? "" : " or ", form.text);
  }
  return ways.empty() || word.empty() ? std::string() : fmt::format("`{}` is written {}", word, ways);
}

std::string_view form_with(Within place, std::string_view word) {
  const auto found = std::find_if(std::begin(kForms), std::end(kForms), [&](const Form &form) {
    return stands_here(form.place, place) && first_word(form.text) != word && stands_in(form.text, word);
  });
  return found == std::end(kForms) || word.empty() ? std::string_view() : found->text;
}

std::string_view habit(Within place, std::string_view word) {
  const bool steps = place == Within::block || place == Within::upgrade;
  for (const Habit &habit : kHabits) {
    const bool here = habit.where == Habit::anywhere || (habit.where == Habit::file) == (place == Within::file);
    if (!here || (habit.where == Habit::steps && !steps)) continue;
    std::string_view rest = habit.words;
    while (!rest.empty()) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      if (rest.substr(0, blank) == word) return habit.text;
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  return {};
}

}  // namespace upg::syntax
