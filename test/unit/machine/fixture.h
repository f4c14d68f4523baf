#pragma once
// A plan from text, hosts that answer by command, a journal in memory, and a controller that may die at any moment.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/past.h"
#include "runtime/safety/check.h"
#include "runtime/transport/simulated/simulated_transport.h"

namespace upg::machine_test {

using machine::Event;
using machine::Millis;
using machine::Mode;
using machine::Record;
using machine::Status;
using transport::Reply;

inline std::string text_of(const machine::Command &command) {
  std::string text = command.script;
  for (const std::string &word : command.argv) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Answers by the longest prefix of "HOST: COMMAND", then of "COMMAND"; what nobody taught ends with exit code 127.
class Hosts final : public transport::HostModel {
 public:
  using Handler = std::function<Reply(const std::string &host, const machine::Command &, Millis now)>;
  explicit Hosts(const plan::Plan &plan);
  Reply answer(plan::HostId host, const machine::Command &command, Millis now) override;
  void on(const std::string &prefix, Handler handler) { handlers_[prefix] = std::move(handler); }
  void says(const std::string &prefix, std::string out, int code = 0) {
    on(prefix, [=](const std::string &, const machine::Command &, Millis) {
      Reply r;
      r.out = out;
      r.code = code;
      return r;
    });
  }
  void takes(const std::string &prefix, Millis time) {
    on(prefix, [=](const std::string &, const machine::Command &, Millis) {
      Reply r;
      r.takes = time;
      return r;
    });
  }
  /// `prefix` sets, later `question` says so: files[host + ":" + name].
  std::map<std::string, std::string> files;
  transport::SimulatedHosts *simulated = nullptr;

 private:
  const plan::Plan *plan_;
  std::map<std::string, Handler> handlers_;
};

/// The controller's machine stops between two instructions: nothing is written or started any more.
struct Death {
  int at_record = -1;  // after that many records of this process
  int at_write = -1;   // instead of that record
  int at_call = -1;    // instead of that call of the transport
  int at_tick = -1;    // instead of that turn
  int at_start = -1;   // instead of that start
  int at_answer = -1;  // instead of that answer
  int records = 0, writes = 0, calls = 0, ticks = 0, starts = 0, answers = 0;
  bool dead = false;
};

struct MemoryJournal final : machine::Journal {
  std::optional<std::string> append(Record record) override;
  std::vector<Record> records;  // durable
  std::vector<Record> pending;  // lost with the controller
  int fail_at = -1;             // the n-th append of this process fails
  bool fail_once = true;
  int appends = 0;
  Death *death = nullptr;
};

struct Tap final : machine::Transport {
  Tap(machine::Transport &inner, Death &death) : inner_(&inner), death_(&death) {}
  void start(machine::RequestId request, plan::HostId host, machine::Command command) override;
  void cancel(machine::RequestId request) override {
    if (lives()) inner_->cancel(request);
  }
  void disconnect(plan::HostId host) override {
    if (lives()) inner_->disconnect(host);
  }
  void trust(plan::HostId host, machine::HostTrust trust) override { trusts[host] = std::move(trust); }
  std::string shown_key(plan::HostId host) override { return shown[host]; }
  std::uint64_t connection(plan::HostId host) override { return connection_of ? connection_of(host) : 0; }
  void wait(std::optional<Millis> until, std::vector<machine::Answer> &answers,
            std::vector<machine::Output> &outputs) override;
  /// Counts a call; false: the controller died before it.
  bool lives() {
    if (++death_->calls == death_->at_call) death_->dead = true;
    return !death_->dead;
  }
  machine::Transport *inner_;
  Death *death_;
  std::function<std::string(plan::HostId)> key_of;  // what the host shows now
  std::function<std::uint64_t(plan::HostId)> connection_of;
  std::map<plan::HostId, machine::HostTrust> trusts;
  std::map<plan::HostId, std::string> shown;
  std::vector<machine::Answer> refusals;
};

struct Recorder final : machine::Observer {
  void recorded(const Record &record) override { heard.push_back(record); }
  void output(const std::string &, plan::HostId, bool, bool, std::string_view bytes) override { printed += bytes; }
  void said(const std::string &text) override { lines.push_back(text); }
  std::vector<Record> heard;
  std::string printed;
  std::vector<std::string> lines;
};

struct Crowd final : machine::People {
  void ask(std::uint64_t id, const std::string &text, bool) override {
    asked.push_back(text);
    waiting.push_back(id);
  }
  std::vector<std::string> asked;
  std::vector<std::uint64_t> waiting;
  std::optional<std::string> reply = "yes";  // nothing: nobody answers yet
};

/// One plan in its world. `run` makes a machine from the journal so far and lets it go to its end, or its death.
class Lab {
 public:
  explicit Lab(const std::string &text, bool proved = true);
  machine::Ending run(machine::Options options = {});
  machine::Ending resume(machine::Options options = {}) { return run(std::move(options)); }
  void begin(machine::Options options = {});
  machine::Ending finish();
  bool turn();
  /// Turns until `when` holds or the run has ended; false if it ended.
  bool until(const std::function<bool()> &when);

  plan::HostId host(const std::string &name) const;
  /// Commands of actions that really began, as "HOST: COMMAND", in order.
  std::vector<std::string> done() const;
  int times(const std::string &command) const;    // actions
  int asked(const std::string &command) const;    // questions
  std::vector<Record> events(Event event) const;  // of the journal
  std::string journal_text() const;

  std::unique_ptr<compiler::Compiled> compiled;
  const plan::Plan &plan() const { return *compiled->plan; }
  safety::Proof proof;
  std::unique_ptr<Hosts> hosts;
  std::unique_ptr<transport::SimulatedHosts> simulated;
  transport::SimulatedClock clock;
  MemoryJournal journal;
  Recorder observer;
  Crowd people;
  Death death;
  transport::Faults faults;
  std::uint64_t seed = 1;
  /// By host: from which boot on it shows another host key than "SHA256:first".
  std::map<std::string, std::pair<unsigned, std::string>> host_keys;
  /// By host: the number of its connection; of the others it is not counted.
  std::map<std::string, std::uint64_t> connections;
  bool died = false;
  /// What the next controller knows of the one before.
  std::function<bool(const std::string &)> owner_is_dead = [](const std::string &) { return true; };
  std::unique_ptr<machine::Machine> machine;

 private:
  std::unique_ptr<transport::SimulatedTransport> transport_;
  std::unique_ptr<Tap> tap_;
};

/// `use linux`, three web servers web1..web3 of which two carry the load, and the text.
std::string web(const std::string &text);

}  // namespace upg::machine_test
