#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/machine.h"
#include "runtime/report/run_folder.h"
#include "runtime/report/window.h"
#include "runtime/tools/options.h"
#include "runtime/tools/owner.h"
#include "runtime/tools/plan_file.h"
#include "runtime/transport/ssh/ssh_transport.h"

namespace upg::run {

/// What a session needs besides the plan.
struct SessionOptions {
  const ReachOptions *reach = nullptr;
  const ShowOptions *show = nullptr;
  const TellOptions *tell = nullptr;  // null: nobody is told
  machine::Mode mode = machine::Mode::run;
  bool rerun_failed = false;
  bool fresh_limits = false;
  bool ignore_window = false;
  bool abort = false;       // the way back instead of the way forward; windows do not bind it
  bool sure = false;        // nobody is asked to confirm the abort
  bool as_started = false;  // the file of the plan may have changed since
  std::vector<machine::Record> past;
  std::vector<std::string> release;                // gives these holds back instead of going on
  bool *released = nullptr;                        // set when they are
  std::vector<machine::HoldSeen> *seen = nullptr;  // with Mode::holds: what was found out
};

/// Sessions to the plan's hosts; nothing is connected yet.
std::unique_ptr<transport::SshTransport> connect(const plan::Plan &plan, const ReachOptions &reach);

/// Drives one machine to its end: transport, journal, progress, signals, people. Without a folder nothing is kept
/// (preflight, dry run).
Exit drive(const PlanFile &file, report::RunFolder *folder, SessionOptions options);

/// Whether this is the plan with the wished digest; says so if it is not.
bool expected(const PlanFile &file, const std::string &wish);

/// A new run of the plan: its folder, then `drive`.
Exit start(const PlanFile &file, SessionOptions options);

/// Goes on with a run, or back if `options.abort`; empty id: the newest. `options` holds what the command line said.
Exit take_up(const std::string &id, SessionOptions options);

/// The plan's window, if it is open; else nothing, with `why` as a sentence that says when it is.
std::optional<report::Occurrence> open_window(const plan::Plan &plan, std::int64_t unix_ms, std::string &why);

/// Writes report.html, report.txt and report.json of the run's folder from its journal, and manual.txt if it is not at
/// its end, whose text it gives.
std::string write_reports(const PlanFile &file, const report::RunFolder &folder);

/// A line from the terminal; `secret`: not shown while typed. Nothing if there is no terminal.
std::optional<std::string> ask_terminal(const std::string &prompt, bool secret);
std::string user_name();

}  // namespace upg::run
