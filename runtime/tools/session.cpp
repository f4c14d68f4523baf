#include "runtime/tools/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "runtime/cli/replace.h"
#include "runtime/journal/sqlite_journal.h"
#include "runtime/machine/past.h"
#include "runtime/plan/bytecode.h"
#include "runtime/report/manual.h"
#include "runtime/report/outputs.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"
#include "runtime/report/window.h"
#include "runtime/tools/notify.h"
#include "runtime/tools/people.h"
#include "runtime/tools/remote.h"
#include "runtime/tools/secrets.h"
#include "runtime/tools/wipe.h"
#include "runtime/transport/ssh/ssh_transport.h"
#include "runtime/transport/system_clock.h"

namespace upg::run {
namespace {

using machine::Event;
using machine::Mode;
using machine::Record;
using machine::Status;

constexpr machine::Millis kShortestLease = 2, kLongestLease = 3600;  // seconds

/// A journal for runs that change nothing.
class NoJournal final : public machine::Journal {
 public:
  std::optional<std::string> append(Record) override { return std::nullopt; }
};

/// Hands what happens to the view, the log and the run's folder.
class Fan final : public machine::Observer {
 public:
  Fan(const plan::Plan &plan, report::Progress &progress, report::RunFolder *folder, spdlog::logger &log)
      : plan_(plan), progress_(progress), folder_(folder), log_(log) {}
  void recorded(const Record &record) override {
    progress_.recorded(record);
    std::string text = report::tell(record);
    if (record.event == Event::paused && tell) tell(text);
    if (!text.empty()) log_.info("{} [{}]", report::printable(text), record.key);
  }
  void output(const std::string &key, plan::HostId host, bool step, bool error, std::string_view bytes) override {
    if (!folder_) return;
    std::string name = host.valid() ? std::string(plan_.text(plan_.hosts[host.index].name)) : std::string("controller");
    folder_->output(name, step, key, error, bytes);
  }
  void said(const std::string &text) override {
    progress_.said(text);
    log_.info("{}", report::printable(text));
  }
  std::function<void(const std::string &)> tell;  // somebody who should know

 private:
  const plan::Plan &plan_;
  report::Progress &progress_;
  report::RunFolder *folder_;
  spdlog::logger &log_;
};

std::vector<transport::SshHost> ssh_hosts(const plan::Plan &plan) {
  std::vector<transport::SshHost> hosts;
  for (std::size_t i = 0; i < plan.hosts.size(); ++i) {
    const plan::Host &h = plan.hosts[i];
    transport::SshHost host;
    host.id = plan::HostId(i);
    host.name = plan.text(h.name);
    host.address = plan.text(h.address);
    host.port = static_cast<std::uint16_t>(h.port);
    host.user = plan.text(h.user);
    if (!h.via.empty()) host.via = h.via.back();
    hosts.push_back(std::move(host));
  }
  return hosts;
}

constexpr int kTellingMs = 30'000;  // after the end, for those who are told

const char *event_of(Status status) {
  static constexpr const char *kWords[] = {"running", "done", "refused", "stopped", "halted", "aborted"};
  return kWords[static_cast<int>(status)];
}

Exit exit_of(Status status) {
  switch (status) {
    case Status::done:
      return Exit::done;
    case Status::refused:
      return Exit::refused;
    case Status::stopped:
      return Exit::stopped;
    case Status::aborted:
      return Exit::aborted;
    default:
      return Exit::person;
  }
}

/// A descriptor that is readable when a signal came or a person typed.
struct WakeUp {
  int signals = -1, all = -1;
  WakeUp() {
    sigset_t set;
    sigemptyset(&set);
    for (int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    all = epoll_create1(EPOLL_CLOEXEC);
    add(signals);
    if (isatty(STDIN_FILENO)) add(STDIN_FILENO);
  }
  ~WakeUp() {
    ::close(all);
    ::close(signals);
  }
  void add(int fd) const {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    epoll_ctl(all, EPOLL_CTL_ADD, fd, &e);
  }
};

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::string place(const PlanFile &file, plan::Span where) {
  if (!where.valid() || where.file >= file.plan.files.size()) return {};
  diagnostics::FileId id{where.file};
  return fmt::format("{}:{}", file.sources.path(id), file.sources.position(id, where.begin).line);
}

/// The last lines of a halt: what is open and what is held, with the commands that release it.
void tell_by_hand(const std::string &manual, const report::RunFolder &folder) {
  constexpr std::size_t kShown = 60;
  const std::size_t from = manual.find("\n1. open");
  const std::string part = from == std::string::npos ? manual : manual.substr(from, manual.find("\n3. done") - from);
  std::size_t at = 0, lines = 0;
  while (at < part.size() && lines++ < kShown) {
    const std::size_t end = std::min(part.find('\n', at), part.size() - 1);
    fmt::print(stderr, "  {}\n", std::string_view(part).substr(at, end - at));
    at = end + 1;
  }
  fmt::print(stderr, "  by hand {}{}\n", at < part.size() ? "... " : "", folder.file("manual.txt"));
}

/// For somebody who is asleep, in a few lines.
std::string ending_text(const PlanFile &file, const machine::Machine &machine, const report::RunFolder &folder) {
  const machine::Ending &e = machine.ending();
  static constexpr const char *kWords[] = {"RUNNING", "done", "refused", "STOPPED part-way", "HALTED", "aborted"};
  std::string text = fmt::format("upg: {} of {} is {}", file.plan.text(file.plan.name),
                                 file.plan.text(file.plan.cluster), kWords[static_cast<int>(e.status)]);
  if (!e.reason.empty()) text += ": " + e.reason;
  if (!e.advice.empty()) text += "\n" + e.advice;
  std::string held;
  for (const auto &h : machine.holds()) held += fmt::format("{}{}({})", held.empty() ? "" : ", ", h.name, h.arguments);
  if (!held.empty()) text += "\nheld: " + held;
  if (e.status == Status::halted || e.status == Status::stopped)
    text += fmt::format("\nnext: upgrun resume {}; by hand: {}", folder.id(), folder.file("manual.txt"));
  return report::printable_lines(text);
}

void tell_ending(const PlanFile &file, const machine::Machine &machine, const report::RunFolder *folder) {
  const machine::Ending &e = machine.ending();
  static constexpr const char *kWords[] = {
      "running", "done", "refused: nothing was changed", "stopped part-way", "halted: a person is needed", "aborted"};
  fmt::print(stderr, "\n{}: {}\n", file.plan.text(file.plan.name), kWords[static_cast<int>(e.status)]);
  if (!e.reason.empty()) fmt::print(stderr, "  what    {}\n", report::printable(e.reason));
  if (std::string where = place(file, e.where); !where.empty())
    fmt::print(stderr, "  where   {}\n", report::printable(where));
  if (!e.advice.empty()) fmt::print(stderr, "  advice  {}\n", report::printable(e.advice));
  for (const auto &h : machine.holds())
    fmt::print(stderr, "  held    {}{} since {}\n", h.name, h.arguments.empty() ? "" : "(" + h.arguments + ")",
               report::clock_time(h.since_unix_ms));
  if (folder) {
    if ((e.status == Status::stopped || e.status == Status::halted) && !e.elsewhere)
      fmt::print(stderr, "  next    upgrun resume {}\n", folder->id());
    fmt::print(stderr, "  report  {}\n", folder->file("report.html"));
  }
}

}  // namespace

std::optional<report::Occurrence> open_window(const plan::Plan &plan, std::int64_t unix_ms, std::string &why) {
  std::string unknown;
  auto next = report::occurrence(plan, unix_ms, unknown);
  if (next && next->begin_ms <= unix_ms) return next;
  why = "outside the plan's window";
  if (next)
    why += fmt::format(", which opens {}, in {}", next->begin, report::duration(next->begin_ms - unix_ms));
  else
    why += unknown.empty() ? ", and there is none any more" : ": " + unknown;
  return std::nullopt;
}

std::string write_reports(const PlanFile &file, const report::RunFolder &folder) {
  std::string why;
  auto records = journal::SqliteJournal::read(folder.file("journal.sqlite"), why);
  if (!records) {
    fmt::print(stderr, "upgrun: no report: {}\n", why);
    return {};
  }
  // whole, or the one from before stays: a full disk leaves no report that says less than there is
  const auto write = [&](const char *name, const std::string &text) {
    if (const std::string problem = cli::replace_file(folder.file(name), text); !problem.empty())
      fmt::print(stderr, "upgrun: no {}: {}; make room, then `upgrun report {}`\n", name, problem, folder.id());
  };
  write("report.txt", report::text_report(file.plan, folder.id(), file.digest, *records));
  write("report.json", report::json_report(file.plan, folder.id(), file.digest, *records));
  write("report.html",
        report::html_report(file.plan, folder.id(), file.digest, *records, report::read_outputs(folder.path()), {}));
  const std::string status = report::summarize(*records).status;
  const bool by_hand = status != "done" && status != "aborted" && status != "refused";
  std::string manual = by_hand ? report::manual(file.plan, folder.id(), *records) : std::string();
  std::error_code ec;
  if (by_hand)
    write("manual.txt", manual);
  else
    std::filesystem::remove(folder.file("manual.txt"), ec);
  return manual;
}

std::unique_ptr<transport::SshTransport> connect(const plan::Plan &plan, const ReachOptions &reach) {
  transport::SshOptions ssh;
  ssh.config = reach.ssh_config;
  ssh.known_hosts = {reach.known_hosts.begin(), reach.known_hosts.end()};
  ssh.identities = {reach.identity.begin(), reach.identity.end()};
  ssh.agent = !reach.no_agent;
  return std::make_unique<transport::SshTransport>(std::move(ssh), ssh_hosts(plan));
}

static Exit run_machine(const PlanFile &file, report::RunFolder *folder, SessionOptions options) {
  raise_file_limit();
  machine::Options how;
  how.mode = options.mode;
  how.rerun_failed = options.rerun_failed;
  how.fresh_limits = options.fresh_limits;
  how.who = user_name();
  how.owner = lock_owner();
  how.owner_is_dead = owner_is_dead;
  how.lease_ms = std::clamp<machine::Millis>(options.reach->lease, kShortestLease, kLongestLease) * 1000;
  how.run_id = folder ? folder->id() : std::string("question");
  how.past = std::move(options.past);
  bool resumed = !how.past.empty();

  keep_out_of_dumps();
  std::string sudo;
  if (!collect_secrets(file.plan, {options.reach->secret.begin(), options.reach->secret.end()}, how.secrets, sudo))
    return Exit::usage;
  if (options.reach->ask_sudo && sudo.empty()) {
    auto typed = ask_terminal("password for sudo on the hosts:", true);
    if (!typed) {
      fmt::print(stderr, "upgrun: --ask-sudo-password needs a terminal\n");
      return Exit::usage;
    }
    sudo = *typed;
  }
  if (!sudo.empty()) how.hidden.push_back(sudo);
  transport::SystemClock clock;
  how.abort = options.abort;
  how.release = options.release;
  for (const std::string &vouched : options.reach->host_key) {
    const std::size_t equal = vouched.find('=');
    if (equal == std::string::npos || vouched.compare(equal + 1, 7, "SHA256:") != 0) {
      fmt::print(stderr, "upgrun: --host-key {}: it is HOST=SHA256:..., as ssh-keygen -lf prints it\n", vouched);
      return Exit::usage;
    }
    how.host_keys[vouched.substr(0, equal)] = vouched.substr(equal + 1);
  }
  if (!options.ignore_window && !options.abort && options.release.empty() && options.mode == Mode::run &&
      !file.plan.windows.empty()) {
    std::string why;
    const auto open = open_window(file.plan, clock.unix_ms(), why);
    if (!open) {
      fmt::print(stderr, "upgrun: {}; nothing was started\n", why);
      return resumed ? Exit::stopped : Exit::refused;
    }
    how.window_begin_unix_ms = open->begin_ms;
    how.window_end_unix_ms = open->end_ms;
    how.next_window = report::openings(file.plan);
  }

  std::string cannot_tell;
  std::unique_ptr<Notifier> notifier = options.tell && folder
                                           ? Notifier::make(options.tell->command, options.tell->url, folder->id(),
                                                            folder->file("notify.log"), cannot_tell)
                                           : Notifier::make({}, {}, {}, {}, cannot_tell);
  if (!notifier) {
    fmt::print(stderr, "upgrun: {}; nothing was started\n", cannot_tell);
    return Exit::usage;
  }

  WakeUp wake;
  const std::unique_ptr<transport::SshTransport> sessions = connect(file.plan, *options.reach);
  transport::SshTransport &transport = *sessions;
  if (!sudo.empty()) transport.set_sudo_password(std::move(sudo));
  transport.wake_on(wake.all);

  std::unique_ptr<machine::Journal> journal = std::make_unique<NoJournal>();
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::null_sink_mt>();
  if (folder) {
    std::string why;
    journal = journal::SqliteJournal::open(folder->file("journal.sqlite"), why);
    if (!journal) {
      fmt::print(stderr, "upgrun: {}\n", why);
      return resumed ? Exit::person : Exit::refused;
    }
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(folder->file("upgrun.log"));
  }
  spdlog::logger log("upgrun", sink);
  log.flush_on(spdlog::level::info);

  bool machine_readable = options.show->progress == report::ProgressKind::json;
  auto progress = report::make_progress(options.show->progress, file.plan, machine_readable ? stdout : stderr);
  Fan fan(file.plan, *progress, folder, log);
  const machine::Millis patience = options.tell ? machine::Millis{options.tell->answer_within} * 1000 : 0;
  Questioner people(*progress, clock, folder ? patience : 0);
  people.tell = [&](const std::string &text) {
    if (folder)
      notifier->tell("asked", report::printable_lines(fmt::format("upg: {} waits for a person: {}\nrun {}",
                                                                  file.plan.text(file.plan.name), text, folder->id())));
  };
  fan.tell = [&](const std::string &text) {
    if (folder) notifier->tell("paused", report::printable_lines("upg: " + text + "\nrun " + folder->id()));
  };
  if (folder) {
    Record first{
        how.past.empty() ? 1 : how.past.back().number + 1, clock.unix_ms(),
        resumed ? Event::run_resumed : Event::run_started, "",
        resumed ? machine::make_data({{"pid", std::to_string(getpid())}, {"user", how.who}})
                : machine::make_data({{"run", folder->id()},
                                      {"plan", std::string(file.plan.text(file.plan.name))},
                                      // not a run of the plan, if it only gives holds back
                                      {"digest", (options.release.empty() ? "" : "holds of ") + file.digest},
                                      {"fingerprint", std::string(file.plan.text(file.plan.inventory_fingerprint))},
                                      {"user", how.who},
                                      {"path", file.path},
                                      {"pid", std::to_string(getpid())}})};
    if (auto why = journal->append(first)) {
      fmt::print(stderr, "upgrun: the journal cannot be written: {}\n", *why);
      return resumed ? Exit::person : Exit::refused;
    }
    // not before: a log is taken for the sign that a run has begun
    log.info("upgrun {}, plan format {}, journal format {}", UPG_VERSION, plan::bytecode_version,
             journal::journal_version);
    fan.recorded(first);
    how.past.push_back(first);
  }

  std::unique_ptr<report::Control> control;
  if (folder) {
    std::string why;
    control = report::Control::listen(*folder, why);
    if (control)
      wake.add(control->fd());
    else
      fan.said("warning: other terminals cannot reach this run: " + why);
  }

  machine::Machine machine(file.plan, file.proof, transport, clock, *journal, fan, people, std::move(how));
  int asked_to_stop = 0;
  bool detached = false;
  while (machine.turn(people.waiting() ? 200 : 500)) {
    signalfd_siginfo signal{};
    while (::read(wake.signals, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) ++asked_to_stop;
    if (asked_to_stop == 1) machine.request_stop(fmt::format("signal {}", signal.ssi_signo));
    if (asked_to_stop > 1) {
      detached = true;
      break;
    }
    epoll_event events[4];
    for (int n = epoll_wait(wake.all, events, 4, 0), i = 0; i < n; ++i)
      if (events[i].data.fd == STDIN_FILENO) people.typed(machine);
    people.give_up(machine);
    if (control)
      control->serve(clock.monotonic(), [&](const report::Control::Request &request) {
        if (auto said = people.elsewhere(machine, request)) return *said;
        return answer_control(file.plan, folder->id(), machine, clock, request);
      });
    for (const std::string &w : transport.take_warnings()) fan.said("warning: " + w);
    for (const std::string &why : notifier->failures(0)) fan.said("warning: " + why);
    if (folder)
      if (const std::string why = folder->take_problem(); !why.empty()) fan.said("warning: " + why);
    progress->tick(machine, clock.unix_ms(), clock.monotonic());
  }
  progress->finish();
  if (options.seen) *options.seen = machine.seen_holds();
  if (options.mode == Mode::holds) return exit_of(machine.ending().status);
  if (options.released) *options.released = machine.ending().reason.find("given back by hand") != std::string::npos;
  if (detached) {
    auto running = machine.running();
    fmt::print(stderr, "\ndetached. {}\n",
               running.empty() ? "Nothing of the run is under way on the hosts." : "Still running on the hosts:");
    for (const auto &a : running)
      fmt::print(stderr, "  {} {}\n", a.host.valid() ? file.plan.text(file.plan.hosts[a.host.index].name) : "-",
                 report::printable(a.what));
    for (const auto &h : machine.holds())
      fmt::print(stderr, "  held {}{}\n", h.name, h.arguments.empty() ? "" : "(" + h.arguments + ")");
    if (folder) fmt::print(stderr, "  next  upgrun resume {}\n", folder->id());
  } else if (!machine_readable) {
    tell_ending(file, machine, folder);
  }
  Exit exit = detached ? Exit::stopped : exit_of(machine.ending().status);
  if (folder) {
    if (auto *sqlite = dynamic_cast<journal::SqliteJournal *>(journal.get())) static_cast<void>(sqlite->flush());
    const std::string manual = write_reports(file, *folder);
    if (!machine_readable && exit == Exit::person && !machine.ending().elsewhere && !manual.empty())
      tell_by_hand(manual, *folder);
  }
  if (folder) {
    notifier->tell(detached ? "detached" : event_of(machine.ending().status), ending_text(file, machine, *folder));
    for (const std::string &why : notifier->failures(kTellingMs)) fmt::print(stderr, "  warning {}\n", why);
    if (notifier->trying()) fmt::print(stderr, "  telling goes on, see {}\n", folder->file("notify.log"));
  }
  return exit;
}

Exit drive(const PlanFile &file, report::RunFolder *folder, SessionOptions options) {
  const Exit exit = run_machine(file, folder, std::move(options));
  wipe_stack();
  return exit;
}

}  // namespace upg::run
