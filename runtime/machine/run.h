#pragma once
// Inside of the machine: one run as a tree of coroutines over one plan. Not for other folders.
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/machine/evaluate.h"
#include "runtime/machine/lock.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/past.h"
#include "runtime/machine/redact.h"
#include "runtime/machine/task.h"
#include "runtime/machine/world.h"

namespace upg::machine {

using plan::HostId;
using plan::NodeId;
using plan::RoleId;
using Kind = Value::Kind;

/// Where execution stands: the key of the statement, the slots of its body, the deadline of the innermost `at most`.
struct Place {
  std::string key;
  std::shared_ptr<Environment> environment;
  Millis deadline = 0;  // of the `at most` around, on the steady clock; 0: none
  bool over = false;    // at a resume: something after this place has begun before, so what was awaited here is past

  Place at(std::string sub) const { return {key + sub, environment, deadline, over}; }
};

/// A gate with its arguments; for composites one for each role and host.
struct GateCall {
  plan::GateId gate;
  std::vector<Value> arguments;
};

struct GateAnswer {
  Value pass;
  Value fail;
  std::string why;  // the last answer, for a person
};

/// An action with its arguments, ready to start.
struct ActCall {
  plan::ActionId action;
  std::vector<Value> arguments;
  const Value *was = nullptr;    // for a hold's release
  std::vector<GateCall> relied;  // gates that the proof relied on, asked again at the act
  plan::Span where;
};

struct Machine::Run {
  Run(const plan::Plan &p, const safety::Proof &pr, Transport &t, Clock &c, Journal &j, Observer &o, People &pe,
      Options op);

  /// Passes on what is said and printed, without secrets.
  struct Discreet final : Observer {
    Observer *to;
    Redaction redaction;
    void recorded(const Record &record) override { to->recorded(record); }  // nothing is in it any more
    void output(const std::string &key, plan::HostId host, bool step, bool error, std::string_view bytes) override {
      to->output(key, host, step, error, bytes);  // pieces: see Waiting
    }
    void said(const std::string &text) override { to->said(redaction.hide(text)); }
  };
  Discreet discreet;

  const plan::Plan &plan;
  const safety::Proof &proof;
  Transport &transport;
  Clock &clock;
  Journal &journal;
  Observer &observer;
  People &people;
  Options options;
  Past past;
  World world;
  Surroundings around;
  Ending ending;
  bool acted = false;      // an action of this run was intended, now or before
  bool stop = false;       // nothing new starts
  std::string pause_by;    // who asked for a pause; empty: nobody
  int standing_still = 0;  // fibers that wait for it to end
  std::uint64_t records = 0;
  std::map<std::string, std::string> last_detail;  // by step key: why the last attempt did not end well
  std::map<std::uint32_t, std::map<std::string, std::vector<GateCall>>>
      passed;  // await node -> place -> the gates that passed there

  // ---- the loop (run.cpp)
  Ready queue;
  Ready &ready() { return queue; }
  std::multimap<Millis, std::coroutine_handle<>> timers;
  struct Group;
  struct Waiting {
    Group *group;
    std::size_t index;
    std::string key;
    HostId host;
    bool step;
    bool secret;
    std::string text;  // of a step's command
    std::int64_t since_unix_ms = 0;
    std::string held_out, held_err;  // what may be the beginning of a secret
  };
  std::map<std::uint32_t, Silence> silences;  // by host
  void heard(const Waiting &waiting, const Answer &answer);
  void print(Waiting &waiting, bool error, std::string_view bytes, bool rest);
  std::map<RequestId, Waiting> requests;
  RequestId next_request = 1;
  std::map<std::uint64_t, Activity> doing;
  std::uint64_t next_doing = 1;
  struct Ahead {
    std::string key;
    NodeId node;  // the next statement, or invalid
    HostId host;  // the next turn, or invalid
  };
  std::map<std::uint64_t, Ahead> ahead;
  struct Asking {
    std::coroutine_handle<> waiter;
    std::string text;
    std::string who;
    std::string key;
    std::string question;
    bool confirm = false;
    bool answered = false;
  };
  std::map<std::uint64_t, Asking *> asking;
  std::set<std::string> holds_in_motion;  // being taken or given back by one fiber
  Bell hold_bell{queue};
  Bell go_on{queue};  // rings when a pause ends, also because the run is left
  struct Offered {
    Move move;
    std::coroutine_handle<> waiter;
    int way = 0;
  };
  std::map<std::uint64_t, Offered> offered;  // moves that wait for a director
  std::uint64_t next_offer = 1;
  /// Outages that a step is about to open: by its key, with the order of arrival. Who comes later counts them as down,
  /// so that two steps which each found enough up do not go down together over a host that nobody took down.
  struct Intended {
    std::uint64_t order = 0;
    std::vector<Outage> outages;
  };
  std::map<std::string, Intended> about_to_open;
  struct Reservation {
    Run *run;
    std::string key;
    Reservation(Run *r, std::string k) : run(r), key(std::move(k)) {}
    ~Reservation() { run->about_to_open.erase(key); }
    Reservation(const Reservation &) = delete;
  };
  bool journal_broken = false;  // after its first failure nothing is written any more: no gap, and nothing starts
  std::optional<Task<bool>> root;

  struct Group {
    std::size_t remaining = 0;
    std::vector<Answer> answers;
    std::coroutine_handle<> waiter;
    bool await_ready() const noexcept { return remaining == 0; }
    void await_suspend(std::coroutine_handle<> h) { waiter = h; }
    void await_resume() const noexcept {}
  };
  struct Sleep {
    Run *run;
    Millis until;
    bool await_ready() const { return run->clock.monotonic() >= until; }
    void await_suspend(std::coroutine_handle<> h) { run->timers.emplace(until, h); }
    void await_resume() const noexcept {}
  };
  /// Wakes at the time, or earlier when a stop was asked for: look at the clock and at `leaving()` afterwards.
  Sleep sleep_until(Millis t) { return {this, t}; }
  Millis now() { return clock.monotonic(); }
  bool leaving() const { return !release_on_halt && (stop || ending.status != Status::running); }

  /// False if it could not be written; then the run has halted.
  bool write(Event event, const std::string &key, std::string data = "{}");
  /// The first halt counts. `person`: someone must look before `resume` helps.
  bool halt(bool person, std::string reason, const std::string &key, plan::Span where, std::string advice = {},
            bool elsewhere = false);

  void wake();
  // ---- only in a simulation
  Simulation *simulation() const { return around.simulation; }
  /// Somebody lets one move happen at a time, where no time passes.
  bool directed() const { return around.simulation && around.simulation->directed(); }
  /// Waits until the move is granted, if someone directs; gives its way.
  Task<int> turn_of(Move move);
  void moved(const Move &move, int way = 0) {
    if (around.simulation) around.simulation->moved(move, way);
  }
  void asks(Protection protection) {
    if (around.simulation) around.simulation->asks(protection);
  }
  bool unguarded() const { return around.simulation && !around.simulation->guarded(); }
  static Move move_of(Move::Kind kind, const ActCall &call, const std::string &key);
  Task<Answer> request(HostId host, Command command, std::string key);
  Task<std::vector<Answer>> request_all(std::vector<Wanted> wanted, std::string key);
  /// The same, whoever answers.
  Task<std::vector<Answer>> request_unproven(std::vector<Wanted> wanted, std::string key);
  /// "" when nobody answered or the run is being left. `who`: who answered.
  Task<std::string> person(std::string text, bool confirm, std::string key, std::string *who = nullptr);

  struct Doing {
    Run *run;
    std::uint64_t id;
    Doing(Run *r, Activity a) : run(r), id(r->next_doing++) {
      a.since_unix_ms = r->clock.unix_ms();
      r->doing.emplace(id, std::move(a));
    }
    ~Doing() { run->doing.erase(id); }
    Doing(const Doing &) = delete;
    Activity &activity() { return run->doing.at(id); }
  };

  /// Says what follows in a block or a rollout, while that is under way.
  struct Following {
    Run *run;
    std::uint64_t id;
    Following(Run *r, std::string key) : run(r), id(r->next_doing++) {
      r->ahead.emplace(id, Ahead{std::move(key), {}, {}});
    }
    ~Following() { run->ahead.erase(id); }
    Following(const Following &) = delete;
    void is(NodeId node) { run->ahead.at(id).node = node; }
    void is(HostId host) { run->ahead.at(id).host = host; }
  };

  // ---- questions (gates.cpp)
  Task<Value> consult(NodeId expression, Environment environment, std::string key);
  Task<GateAnswer> ask_gate(GateCall call, std::string key);
  /// Waits until the gate passes, fails or its deadline is over; false: halted or leaving. `passes`: how many in a row
  /// are enough (0: the gate's own). `in_step`: part of a running step, waited for to the deadline even when the run is
  /// being left.
  Task<bool> wait_gate(GateCall call, std::string key, plan::Span where, unsigned passes, bool in_step = false);
  /// All the gates that a gate node stands for. Unknown arguments halt (empty result and false).
  Task<bool> gates_of(NodeId node, std::shared_ptr<Environment> environment, std::string key,
                      std::vector<GateCall> *out);
  Task<bool> wait_all(std::vector<GateCall> calls, std::string key, plan::Span where, unsigned passes,
                      bool in_step = false);
  Task<bool> await_statement(NodeId node, Place place);
  /// Runs the task and rings when it has ended.
  Task<bool> ringing(Task<bool> task, Bell *bell);
  void apply_pass(const GateCall &call);
  std::string describe(const GateCall &call) const;

  // ---- statements (statements.cpp)
  Task<bool> block(NodeId node, Place place);
  Task<bool> statement(NodeId node, Place place);
  Task<bool> let(NodeId node, Place place);
  Task<bool> decide(NodeId node, Place place);
  Task<bool> expect(NodeId node, Place place);
  Task<bool> for_data(NodeId node, Place place);
  Task<bool> call_procedure(NodeId node, Place place);
  Task<bool> roll(NodeId node, Place place);
  Task<bool> iteration(NodeId node, Place place, HostId host);
  Task<bool> side_by_side(NodeId node, Place place);
  Task<bool> phases(NodeId node, Place place);
  Task<bool> phase(NodeId node, Place place);
  Task<bool> confirm(NodeId node, Place place);
  Task<bool> pause(std::string key);
  /// Arguments of a reference to a state.
  Task<std::vector<Value>> cell_arguments(NodeId cell, Place place);
  Task<Value> ask_cell(NodeId cell, Environment environment, std::string key);
  /// Of `unless` and `expect STATE == VALUE`: the name of the value, and whether the cell is observed there.
  std::string wanted_value(NodeId statement) const;
  Task<Value> cell_is_there(NodeId statement, Environment environment, std::string key);
  Task<bool> main();
  /// Journals how the run has ended.
  Task<bool> end_run();

  // ---- time (limits.cpp)
  /// Whether something that may take `worst` ms still fits into the window. If not, what is not begun stays so, what is
  /// under way beside it ends (a turn with its host down is not left), and then the run stops, resumable.
  bool fits_window(std::int64_t worst, const std::string &key, plan::Span where);
  std::optional<Ending> window_over;
  bool in_window(std::int64_t worst) const;
  /// Milliseconds: by the wall clock or by the steady one, whichever leaves less, so that a clock that is set back
  /// gives no time. 0 or less: it is over, or the clock says that it has not begun.
  std::int64_t window_left() const;
  void enter_window(const Opening &opening);
  Millis window_end_steady = 0;
  /// Worst case of giving back what a halt would give back now.
  std::int64_t giving_back() const;
  /// Notices a wall clock that was set and a controller that slept, and says so.
  void watch_clocks();
  struct Clocks {
    Millis monotonic = 0, steady = 0;
    std::int64_t unix_ms = 0;
  };
  std::optional<Clocks> clocks;
  /// One turn of the rollout and giving back the holds around it, in ms.
  std::int64_t turn_worst(NodeId roll) const;
  /// Sets the deadline of an `at most`; it counts from the first time that the place was entered, as journalled.
  bool limit(Place *place, std::int64_t ms);

  // ---- standing still between two turns (waits.cpp)
  struct LeftHold;
  enum class Stand : std::uint8_t {
    here,
    not_here,  // something is down, or somebody else counts on a hold that would be given back
    stop,      // a hold in force does not say what becomes of it
  };
  Stand may_stand(const std::string &key, std::string *silent_hold = nullptr) const;
  Task<bool> give_back_to_wait(std::string key, std::vector<LeftHold> *given);
  Task<bool> take_again(std::vector<LeftHold> given);
  /// Between two turns, with nothing down: waits for an opening that holds `worst` ms. False: the run stops here
  /// instead.
  Task<bool> await_window(std::int64_t worst, std::string key, plan::Span where);
  /// The same until a pause is over; not to be called where something is down.
  Task<bool> stand_still(std::string key, plan::Span where);

  // ---- holds outside of the way forward (leaked.cpp)
  struct KnownHold {
    std::string text;
    plan::HoldId hold;
    std::vector<Value> arguments;
    std::vector<std::string> keys;  // where this run holds it
  };
  std::vector<HoldSeen> holds_seen;
  std::vector<KnownHold> known_holds() const;
  Task<bool> see_hold(KnownHold known, HoldSeen *seen, Bell *bell, std::size_t *count);
  Task<bool> see_holds();
  Task<bool> release_named();

  // ---- failures that do not end the run (attempt.cpp, lost.cpp)
  /// A part of the plan whose failure is met inside of it: the block of an attempt, a turn of a tolerant rollout. Its
  /// first halt that a person would have to look at stays here; what runs beside in it is left, nothing else is.
  struct Trial {
    std::string prefix;  // of the keys of its statements, with the '/'
    std::optional<Ending> failure;
  };
  std::vector<Trial *> trials;  // under way
  Trial *trial_around(const std::string &key) const;
  /// The run is being left, or a trial around the key has failed.
  bool gone(const std::string &key) const;
  /// The reason of the halt that `gone` speaks of.
  std::string why_left(const std::string &key) const;
  /// Runs the block as a trial. True: it ended well. False and no failure: the run is being left.
  Task<bool> try_block(NodeId block, Place place, std::optional<Ending> *failure);
  /// A failure that a trial has caught becomes the run's own.
  bool halt_after_all(const Ending &failure, std::string reason = {});
  std::set<std::string> unsettled;  // keys of acts that may still be under way somewhere
  std::set<std::string> settled;    // keys of acts of which this process knows whether they began before
  /// Whether a step may still be under way that nothing has proven over, begun by this process or an earlier one; on
  /// lost hosts it does not count.
  bool may_be_under_way() const;
  /// A step of the part that is not proven over, on another host than `but`; empty: there is none.
  std::string still_under_way(const std::string &prefix, HostId but = {}) const;
  Task<bool> attempt_statement(NodeId node, Place place);
  /// What a round that failed in an earlier process has left: outages, holds, steps that are done.
  bool take_up_round(const std::string &prefix, const Place &place);
  /// The step's key without the numbers of the rounds around it; empty outside of attempts.
  static std::string lasting_key(const std::string &key);
  std::set<std::string> lasting_done;  // lasting keys of steps that ended well in some round
  void note_done(const std::string &key);
  /// Holds that a failed round left in force are counted off where a later round leaves them, or at the attempt's end.
  bool settle_left_holds(const std::string &full, const std::string &key);
  Task<bool> release_left_holds(std::string prefix, HostId lost = {});
  Task<bool> lose(HostId host, std::string key, Ending failure);
  /// "1 of 2 hosts that may be lost is lost: web2"; empty: none is.
  std::string lost_hosts_text() const;
  /// The controller died while the holds of a lost host were given back: that comes to its end.
  Task<bool> settle_lost(HostId host, Place turn);
  /// The value of a host's cell that may not be left standing, if it has one now; "" if it has none.
  Task<std::string> armed(HostId host, std::string key);
  std::map<std::string, std::string> seen_cells;  // "state(host)": observed last; empty: moving

  // ---- the way back (abort.cpp)
  Task<bool> abort_run();
  Task<bool> settle_interrupted();
  Task<bool> undo_step(std::string action, std::string values, std::vector<std::pair<std::string, std::string>> holds,
                       std::string key);
  std::vector<HostId> hosts_of(const ActCall &step, const std::vector<Outage> &touched) const;
  Task<bool> all_in_service(std::vector<HostId> hosts, std::string key);
  NodeId with_of(const std::string &hold) const;

  // ---- accepted outages (accept.cpp)
  struct Accepted {
    std::string prefix;
    const plan::Waiver *waiver;
    std::int64_t since_unix_ms = 0;  // the role is out since then; 0: it is not
    bool told = false;
  };
  std::list<Accepted> accepted;  // waivers in force
  Task<bool> accept_statement(NodeId node, Place place);
  /// Whether an `accept` around the key lifts `rule` (available, stoppable) for the role.
  bool lifted(const std::string &key, RoleId role, std::string_view rule) const;
  /// False: the time of an accepted outage is over, nothing takes its role down again (halted).
  bool outage_in_time(const std::vector<Outage> &opened, const std::string &key, plan::Span where);
  void outage_began(const std::vector<Outage> &opened, const std::string &key);
  /// Says that an accepted outage takes longer than was accepted.
  void look_at_outages();

  // ---- actions (acts.cpp, boots.cpp)
  Task<bool> act_statement(NodeId node, Place place);
  Task<bool> act(ActCall call, Place place);
  Task<bool> guard(ActCall call, Environment environment, std::string key);
  Task<bool> guard_once(ActCall call, Environment environment, std::string key);
  Task<bool> needs(ActCall call, Environment environment, std::string key);
  /// SEMANTICS R2: enough of each role stays, by what is observed now; waits to the deadline of its health, then halts.
  /// At the act it stands for the outages until the reservation of the key is over.
  Task<bool> census(std::vector<Outage> opened, std::string key, plan::Span where, bool at_the_act = true);
  /// What a turn of the host may take down of it, as far as the plan says.
  std::vector<Outage> turn_outages(NodeId roll, HostId host) const;
  Task<GateAnswer> counted(Task<GateAnswer> task, Bell *bell, std::size_t *count);
  enum class Attempt : std::uint8_t { done, failed, unknown, halted };
  Task<Attempt> attempt(ActCall call, std::shared_ptr<Environment> environment, std::string key, int number,
                        Millis deadline, bool resumed);
  Task<Attempt> body(NodeId node, ActCall call, std::shared_ptr<Environment> environment, std::string key,
                     std::string step, Millis deadline, bool resumed, bool outermost = true);
  Task<Concrete> concrete_command(NodeId run_node, Environment environment, std::string key);
  Task<Attempt> command(NodeId run_node, ActCall call, std::shared_ptr<Environment> environment, std::string key,
                        std::string step, Millis deadline, bool resumed, bool last);
  Task<bool> awaits(ActCall call, Environment environment, std::string key, Millis deadline,
                    std::map<std::uint32_t, std::string> old_boots);
  Task<bool> wait_boot(HostId host, std::string old_boot, std::string key, plan::Span where, Millis deadline);
  Task<Value> boot_id(HostId host, std::string key);
  Task<Value> consult_with(Consultation *consultation, NodeId expression, std::string key);
  /// Runs what the consultation waits for and gives it the answers; false: it waits for nothing that can be run.
  Task<bool> ask_wanted(Consultation *consultation, std::string key);
  Task<bool> boots_before(ActCall call, Environment environment, std::string key, std::string journalled,
                          std::map<std::uint32_t, std::string> *out);
  /// Whether the last command of the action was handed over before: only then does a reboot speak for the whole of it.
  bool last_command_begun(const plan::Action &action, const StepPast &before) const;
  /// Asks the host of an interrupted command until it says that nothing runs any more; false if it cannot be told by
  /// then.
  Task<bool> proven_over(HostId host, std::string step, std::string key, Millis patience);
  std::map<std::string, std::pair<HostId, std::string>> in_flight;  // by step key: the command handed over last
  Task<std::optional<bool>> begun_on_hosts(std::vector<StepPast::Command> commands, std::string key, Millis deadline);
  Task<Value> count_holds(NodeId need, Environment environment, std::string key);
  std::vector<GateCall> relied_on(NodeId node, const std::string &key) const;
  std::string step_key(const std::string &key, HostId host, const std::string &step) const;
  /// Values that a `moves` effect may leave the cell in.
  std::vector<std::string> moved_to(NodeId effect) const;
  Task<bool> moved_already(ActCall call, Environment environment, std::string key);
  Task<bool> observe_moves(ActCall call, Environment environment, std::string key);
  /// Hosts and roles that the effects of an action take down or change. False: an argument is unknown, halted.
  Task<bool> outages_of(ActCall call, Environment environment, std::string key, std::vector<Outage> *out);
  std::string describe(const ActCall &call) const;
  Environment frame_of(const ActCall &call) const;
  bool boots(const plan::Action &action) const;

  // ---- holds (holds.cpp)
  Task<bool> with(NodeId node, Place place);
  bool past_or_now_intended(const std::string &key) const;
  std::set<std::string> intended;  // keys of acts intended by this process
  bool release_on_halt = false;    // a hold is being given back after a halt
  /// Simulation only.
  Task<bool> counted(plan::ActionId part, std::vector<Value> arguments, std::string key, std::string as);
  Task<bool> take(NodeId node, std::vector<Value> arguments, Place place);
  Task<bool> release(NodeId node, std::vector<Value> arguments, Place place, std::string as);
  Task<bool> give_back_holds();
  /// A hold that was left without its release, when the run was left.
  struct LeftHold {
    NodeId node;
    std::vector<Value> arguments;
    Place place;
  };
  std::vector<LeftHold> left_holds;
  std::vector<LeftHold> standing;            // holds whose block is under way, outer before inner
  std::map<std::string, int> attempts_used;  // by step key, of this process

  // ---- who may (locks.cpp)
  std::shared_ptr<const Lock> lock;  // that claims stand on; none in a simulation
  Millis lease_ends = 0;             // on the steady clock, counted from when it was asked for
  bool fenced = false;               // a host knows a newer token
  bool locks_left = false;
  bool local_steps = false;  // a step was claimed on the controller
  int renewing = 0;
  Bell renewed{queue};
  std::optional<Task<bool>> keeper;
  std::vector<HostId> lock_hosts() const;
  std::uint64_t next_token(const std::vector<LockLine> &known, Lock *wish);
  Task<bool> look_at_locks(std::shared_ptr<const Lock> wish, std::vector<LockLine> *known, std::vector<HostId> *there);
  Task<std::vector<Answer>> ask_locks(std::vector<HostId> hosts, LockAct what, std::shared_ptr<const Lock> of,
                                      Millis patience);
  /// Takes the locks of the plan's cluster for this run, newer than anyone before; a run that changes nothing only says
  /// who has them.
  Task<bool> take_locks();
  Task<bool> keep_lease();
  /// False: fenced out.
  Task<bool> renew_lease();
  /// Before a claim: a lease that has run out while this controller was asleep is renewed first.
  Task<bool> still_mine();
  /// Somebody else has taken over, as `host` says: nothing starts any more, nothing is waited for.
  void fence_out(HostId host, const std::string &said);
  /// The run is over, or this controller goes and the run keeps its locks.
  Task<bool> leave_locks(bool over);

  // ---- who a host is (identity.cpp)
  struct Identity {
    std::string id;
    std::uint64_t connection = 0;  // on which it said so
  };
  struct Renewal {
    std::string old;      // fingerprint of the key it had
    std::string trusted;  // of the new one; empty: nobody has vouched for it yet
  };
  std::map<std::uint32_t, Identity> machine_ids;       // by host, as seen last
  std::map<std::uint32_t, Renewal> reinstalled_hosts;  // and not met again
  std::set<std::uint32_t> being_asked, strangers;
  Bell somebody_said{queue};
  Task<Value> ask_identity(HostId host, std::string key);
  /// It has said who it is on the connection that is there now.
  bool recognized(HostId host) const;
  /// Asks it, unless it is recognized. False: it does not say, or it is another machine (halted).
  Task<bool> recognize(HostId host, std::string key);
  bool is_stranger(HostId host, const std::string &before, const std::string &now_there, plan::Span where);
  std::string vouched_key(HostId host) const;
  Task<bool> reinstalled_by(ActCall call, Environment environment, std::string key, std::vector<HostId> *out);
  bool forget_identity(HostId host, bool resumed);
  void refuse_old_key(HostId host);
  /// If a reinstalled host shows a new key: whether the plan or a person vouches for it. False: halted.
  Task<bool> meet_again(HostId host, std::string key, plan::Span where);
  /// Until the reinstalled host has said who it is now. False: halted.
  Task<bool> met_again(HostId host, std::string key, plan::Span where, Millis deadline);
  /// After a boot: the machine that was there before, unless it was reinstalled. False: halted.
  Task<bool> same_machine(HostId host, std::string boot, std::string key, plan::Span where);
  void recall_identities();

  // ---- before anything (start.cpp)
  Task<bool> who_is_there();
  Task<bool> rosters();
  Task<bool> tools();
  Task<bool> claims(const std::vector<plan::CellClaim> &claims, std::string key);

  // ---- what the journal says (recall.cpp)
  /// A value that the journal keeps; unknown if it is of another kind (Kind::pending: any value will do).
  Value recall(const StepPast &step, Kind kind = Kind::pending) const;
  /// Why this plan cannot have written the journal; empty if it can have.
  std::string journal_problem() const;
  /// What the states were when last seen; only of a journal without a problem.
  void recall_cells();

  // ---- the world against the journal (compare.cpp)
  struct Remembered {
    enum What : std::uint8_t { cell, hold, health } what;
    std::size_t index;  // of the state, the hold, the role
    std::vector<Value> arguments;
    std::string value;  // of a cell
    std::string text;   // for a person
    std::string found;
  };
  std::vector<Remembered> remembered() const;
  Task<bool> observe_again(Remembered *r, Bell *bell, std::size_t *count);
  Task<bool> compare_with_journal();
  /// Journals what the action moves: `moving`, that it moves from here; else what it is observed to be.
  Task<bool> see_cells(ActCall call, Environment environment, std::string key, bool moving);
  bool saw_cell(const plan::State &state, const Value &arguments, const std::string &value);

  // ---- steps that may start once (once.cpp)
  /// Claims the marker of the step; false: it was used, or nobody can tell (halted).
  Task<bool> claim_once(ActCall call, std::string key, plan::Span where);
  /// Hosts that no action of the plan destroys, in inventory order.
  std::vector<HostId> safe_hosts() const;

  // ---- dry run (dry.cpp)
  static bool depends_on_answers(plan::Op op);
  Task<bool> tell_statement(NodeId node, Place place);
  /// What is said of an answer: known now, or what it depends on.
  std::string told_answer(const Value &v) const;
  bool told_action = false;  // an action was told: answers asked after it may be others when it has run
  Task<bool> tell_await(NodeId node, Place place);
  Task<bool> tell_act(ActCall call, Place place);
  Task<bool> tell_body(NodeId node, std::shared_ptr<Environment> environment, std::string key, int indent);
  std::vector<std::string> preflight_failures;

  std::string host_name(HostId h) const {
    return h.valid() ? std::string(plan.text(plan.hosts[h.index].name)) : std::string("controller");
  }
  std::unordered_map<std::string_view, HostId> host_ids;  // by name, as the journal keeps them
  /// No host: the controller, or a name that the plan does not have.
  HostId host_named(std::string_view name) const;
  /// What the journal left down is down.
  void reopen_outages();
  std::string name_value(const Value &v) const { return v.is(Kind::host) ? host_name(v.as_host()) : show(v); }
  std::string source_of(NodeId node) const;  // what stands in the source there
  std::string name_arguments(const std::vector<Value> &arguments) const;
  /// Host an activity is about: the first host argument.
  HostId subject(const std::vector<Value> &arguments) const;
  RoleId boot_role() const;
  bool dry() const { return options.mode == Mode::dry_run; }
};

}  // namespace upg::machine
