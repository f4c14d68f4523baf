#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace upg::machine {

/// What the machine writes down. Rows of events.def; the texts are JSON objects made by the machine with the fields the
/// row names.
enum class Event : std::uint8_t {
#define UPG_EVENT(name, durable, fields, text) name,
#include "runtime/machine/events.def"
  count_
};

struct EventInfo {
  const char *name;
  bool durable;  // on disk before the machine goes on
  const char *fields;
  const char *text;
};
const EventInfo &info(Event event);

struct Record {
  std::uint64_t number = 0;  // 1, 2, 3, ... in order
  std::int64_t unix_ms = 0;
  Event event = Event::run_started;
  std::string key;   // step key the record is about; empty: the run
  std::string data;  // JSON object
};

/// Append-only memory of one run. `append` returns only when the record is as safe as its row says; nothing on success,
/// else why not (then the machine stops: it never acts on what it could not write).
class Journal {
 public:
  virtual ~Journal() = default;
  virtual std::optional<std::string> append(Record record) = 0;
};

}  // namespace upg::machine
