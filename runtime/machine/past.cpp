#include "runtime/machine/past.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace upg::machine {

namespace {
using Json = nlohmann::json;
Json parse(const Record &record) { return Json::parse(record.data, nullptr, false); }
std::string text(const Json &j, const char *name) {
  if (!j.is_object() || !j.contains(name)) return {};
  const Json &v = j[name];
  return v.is_string() ? v.get<std::string>() : v.dump();
}
}  // namespace

std::string field_of(const Record &record, const char *name) { return text(parse(record), name); }

std::string make_data(std::initializer_list<std::pair<const char *, std::string>> fields) {
  Json j = Json::object();
  for (const auto &[k, v] : fields) j[k] = v;
  return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Past::Past(const std::vector<Record> &records) {
  for (const Record &r : records) {
    Json j = parse(r);
    if (r.event == Event::identity_seen) identities_[text(j, "host")] = text(j, "machine_id");
    if (r.key.empty()) continue;
    // every prefix "block/index" of the key: the block has come as far as the index. Questions alone take no one
    // further: what was only asked is asked again.
    bool effect = r.event == Event::act_intended || r.event == Event::act_skipped || r.event == Event::hold_intended ||
                  r.event == Event::confirmed;
    for (std::size_t slash = effect ? r.key.find('/') : std::string::npos; slash != std::string::npos;
         slash = r.key.find('/', slash + 1)) {
      std::size_t index = 0;
      auto [end, error] = std::from_chars(r.key.data() + slash + 1, r.key.data() + r.key.size(), index);
      if (error != std::errc()) continue;
      auto &far = furthest_[r.key.substr(0, slash)];
      far = std::max(far, index + 1);
    }
    StepPast &s = steps_[r.key];
    switch (r.event) {
      case Event::value_kept:
        s.value = text(j, "value");
        s.done = true;
        break;
      case Event::confirmed:
        s.value = text(j, "answer");
        s.done = true;
        break;
      case Event::statement_done:  // not gate_passed: gates also pass on the way into an action, under its key
      case Event::iteration_ended:
        s.done = true;
        break;
      case Event::act_intended: {
        acted_ = true;
        s.intended = true;
        s.failed = false;
        s.done = false;
        s.commands.clear();
        s.boot_id = text(j, "boot_id");
        s.attempt = std::atoi(text(j, "attempt").c_str());
        break;
      }
      case Event::command_started:
        s.commands.push_back({text(j, "host"), text(j, "step")});
        break;
      case Event::act_skipped:
        s.done = true;
        break;
      case Event::act_ended: {
        std::string outcome = text(j, "outcome");
        s.done = outcome == "done";
        s.failed = outcome == "failed";
        break;
      }
      case Event::hold_intended:
        acted_ = true;
        s.intended = true;
        s.value = text(j, "was");
        break;
      case Event::hold_taken:
        s.done = true;
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

const StepPast *Past::step(const std::string &key) const {
  auto it = steps_.find(key);
  return it == steps_.end() ? nullptr : &it->second;
}

bool Past::beyond(const std::string &block_key, std::size_t index) const {
  auto it = furthest_.find(block_key);
  return it != furthest_.end() && it->second > index + 1;
}

}  // namespace upg::machine
