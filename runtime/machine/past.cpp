#include "runtime/machine/past.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace upg::machine {

namespace {
using Json = nlohmann::json;
Json parse(const Record &record) { return Json::parse(record.data, nullptr, false); }
std::string text(const Json &j, const char *name) {
  if (!j.is_object() || !j.contains(name)) return {};
  const Json &v = j[name];
  return v.is_string() ? v.get<std::string>() : v.dump(-1, ' ', false, Json::error_handler_t::replace);
}
constexpr std::size_t kMostStatements = 100'000'000;  // of one block
/// -1: no number, or more than anyone tries.
int number(const std::string &digits) {
  int n = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return error == std::errc() && end == digits.data() + digits.size() && n >= 0 && n < 1'000'000 ? n : -1;
}
}  // namespace

std::string field_of(const Record &record, const char *name) { return text(parse(record), name); }

std::string make_data(std::initializer_list<std::pair<const char *, std::string>> fields) {
  Json j = Json::object();
  for (const auto &[k, v] : fields) j[k] = v;
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string without_secrets(const std::string &data, const Redaction &redaction) {
  static constexpr std::string_view kNames[] = {"attempt", "because", "gate", "hold",  "host",   "ms",
                                                "outcome", "role",    "rule", "state", "status", "step"};
  Json j = Json::parse(data, nullptr, false);
  if (!j.is_object()) return "{}";
  for (auto &[name, value] : j.items())
    if (value.is_string() && std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames))
      value = redaction.hide(value.get<std::string>());
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Past::Past(const std::vector<Record> &records) {
  for (const Record &r : records) {
    Json j = parse(r);
    if (r.event == Event::identity_seen) {
      identities_[text(j, "host")] = text(j, "machine_id");
      if (auto it = renewals_.find(text(j, "host")); it != renewals_.end()) it->second.met = true;
    }
    if (r.event == Event::identity_forgotten) {
      identities_.erase(text(j, "host"));
      renewals_[text(j, "host")] = {text(j, "host_key"), {}, false};
    }
    if (r.event == Event::host_key_trusted) renewals_[text(j, "host")].trusted = text(j, "host_key");
    if (r.event == Event::gate_passed) passed_.insert(text(j, "gate"));
    if (r.event == Event::outage_opened) outages_.emplace(text(j, "host"), text(j, "role"));
    if (r.event == Event::outage_closed) outages_.erase({text(j, "host"), text(j, "role")});
    if (r.event == Event::abort_started) aborting_ = true;
    if (r.event == Event::run_started || r.event == Event::run_resumed) {
      if (std::exchange(under_way_, true)) status_ = reason_ = {};  // the one before never came to an end
    } else if (r.event == Event::run_ended) {
      under_way_ = false;
      status_ = text(j, "status");
      reason_ = text(j, "reason");
    } else if (r.event == Event::locks_intended) {
      const std::string token = text(j, "token");
      std::from_chars(token.data(), token.data() + token.size(), token_);
      gave_up_locks_ = false;
    } else if (r.event == Event::locks_given_up) {
      gave_up_locks_ = true;
    }
    if (r.event == Event::host_lost) lost_.insert(text(j, "host"));
    if (r.event == Event::cell_seen) {
      CellPast cell{text(j, "state"), text(j, "arguments"), text(j, "value")};
      std::string name = cell.state + cell.arguments;
      cells_[name] = std::move(cell);
    }
    if (r.key.empty()) continue;
    // every prefix "block/index" of the key: the block has come as far as the index. Questions alone take no one
    // further: what was only asked is asked again.
    bool effect = r.event == Event::act_intended || r.event == Event::act_skipped || r.event == Event::hold_intended ||
                  (r.event == Event::confirmed && !r.key.ends_with("/asked"));
    for (std::size_t slash = effect ? r.key.find('/') : std::string::npos; slash != std::string::npos;
         slash = r.key.find('/', slash + 1)) {
      std::size_t index = 0;
      auto [end, error] = std::from_chars(r.key.data() + slash + 1, r.key.data() + r.key.size(), index);
      if (error != std::errc() || index > kMostStatements) continue;
      auto &far = furthest_[r.key.substr(0, slash)];
      far = std::max(far, index + 1);
    }
    StepPast &s = steps_[r.key];
    switch (r.event) {
      case Event::attempt_failed:
        s.failed = true;
        s.action = text(j, "reason");
        break;
      case Event::recovery_chosen:
      case Event::value_kept:
        s.value = text(j, "value");
        s.done = true;
        break;
      case Event::confirmed:
        s.done = true;
        break;
      case Event::once_claimed:
        s.once_host = text(j, "host");
        break;
      case Event::limit_started:
        s.limit_unix_ms = r.unix_ms;
        break;
      case Event::statement_done:  // not gate_passed: gates also pass on the way into an action, under its key
      case Event::iteration_ended:
      case Event::step_undone:
      case Event::host_lost:
        s.done = true;
        break;
      case Event::act_intended: {
        acted_ = true;
        s.intended = true;
        s.failed = false;
        s.done = false;
        s.ended = false;
        s.action = text(j, "action");
        s.host = text(j, "host");
        s.commands.clear();
        s.boot_id = text(j, "boot_id");
        s.attempt = number(text(j, "attempt"));
        break;
      }
      case Event::command_started:
        s.commands.push_back({text(j, "host"), text(j, "step")});
        break;
      case Event::act_skipped:
        s.done = s.ended = true;
        break;
      case Event::act_ended: {
        std::string outcome = text(j, "outcome");
        s.done = outcome == "done";
        s.failed = outcome == "failed";
        s.ended = outcome != "unknown";
        break;
      }
      case Event::hold_intended:
        acted_ = true;
        s.intended = true;
        s.value = text(j, "was");
        s.hold = text(j, "hold");
        s.hold_arguments = text(j, "values");
        break;
      case Event::hold_taken:
        s.done = true;
        s.hold_unseen = text(j, "seen") == "off";
        break;
      case Event::hold_released:
        if (text(j, "because") == "halt")
          forget_hold(r.key);
        else
          s.released = true;
        break;
      default:
        break;
    }
  }
}

void Past::forget_hold(const std::string &key) {
  for (const char *part : {"", "/acquire", "/release", "/give_back"}) {
    StepPast &s = steps_[key + part];
    int attempt = s.attempt;
    s = StepPast();
    s.attempt = attempt;
  }
}

void Past::attempt_used(const std::string &key, int attempt) {
  StepPast &s = steps_[key];
  s.attempt = std::max(s.attempt, attempt);
}

const StepPast *Past::step(const std::string &key) const {
  auto it = steps_.find(key);
  return it == steps_.end() ? nullptr : &it->second;
}

bool Past::beyond(const std::string &block_key, std::size_t index) const {
  auto it = furthest_.find(block_key);
  return it != furthest_.end() && it->second > index + 1;
}

}  // namespace upg::machine
