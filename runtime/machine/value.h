#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/plan/ids.h"

namespace upg::machine {

/// What an expression gives. `unknown` is a value: whatever depends on it is unknown too, and a gate over it never
/// passes.
struct Value {
  enum class Kind : std::uint8_t {
    pending,  // commands are still under way
    unknown,  // `text` says why
    missing,  // unknown because something is not there (a key, a cell, a match): `default` replaces it
    nothing,  // null of JSON, the value of no return
    boolean,
    integer,
    decimal,
    string,
    duration,
    size,
    percent,
    version,
    time,
    host,  // number: index
    list,
    object,
    result,  // of a command: an object with code, stdout, stderr
  };
  using Items = std::vector<Value>;
  using Members = std::vector<std::pair<std::string, Value>>;  // sorted by key, unique

  Kind kind = Kind::nothing;
  std::int64_t number = 0;  // boolean 0/1, integer, ms, bytes, millionths, seconds, host index
  double real = 0;          // decimal
  std::string text;
  std::shared_ptr<const Items> items;
  std::shared_ptr<const Members> members;

  static Value unknown(std::string why) { return make(Kind::unknown, 0, std::move(why)); }
  static Value missing(std::string why) { return make(Kind::missing, 0, std::move(why)); }
  static Value pending() { return make(Kind::pending, 0, {}); }
  static Value boolean(bool b) { return make(Kind::boolean, b, {}); }
  static Value integer(std::int64_t n) { return make(Kind::integer, n, {}); }
  static Value string(std::string s) { return make(Kind::string, 0, std::move(s)); }
  static Value host(plan::HostId h) { return make(Kind::host, h.index, {}); }
  static Value decimal(double d);
  static Value of(Kind kind, std::int64_t n) { return make(kind, n, {}); }
  static Value version(std::string s) { return make(Kind::version, 0, std::move(s)); }
  static Value list(Items items);
  static Value object(Members members);
  static Value result(int code, std::string out, std::string err);

  /// No answer: pending, unknown or missing.
  bool open() const { return kind <= Kind::missing; }
  bool is(Kind k) const { return kind == k; }
  bool yes() const { return kind == Kind::boolean && number != 0; }
  plan::HostId as_host() const { return plan::HostId(static_cast<std::size_t>(number)); }
  const Value *member(std::string_view key) const;

 private:
  static Value make(Kind kind, std::int64_t n, std::string t) {
    Value v;
    v.kind = kind;
    v.number = n;
    v.text = std::move(t);
    return v;
  }
};

/// Structural equality with the unit conversions of the language; `pending`/`unknown`/`missing` are handled by the
/// caller.
bool equal(const Value &a, const Value &b);
/// <0, 0, >0; 2 if the two cannot be ordered.
int compare(const Value &a, const Value &b);
/// As a person and as `"${x}"` would show it; hosts need names and are given by the caller before.
std::string show(const Value &v);

/// Parsers of remote output: bounded depth, nothing on failure.
Value parse_json(std::string_view text);
/// Boxed tables (+---+, | a | b |) to a list of objects; unknown if there is no such table.
Value parse_table(std::string_view text);
/// The value as JSON text for the journal, and back (kinds are kept).
std::string to_journal(const Value &v);
Value from_journal(std::string_view text);

}  // namespace upg::machine
