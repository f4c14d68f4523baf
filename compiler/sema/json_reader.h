#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// JSON with the place of every value, for messages that point into the file. Reads hostile bytes.
namespace upg::sema::json {

struct Value;
struct Member;
struct Null {};
/// A number as written: its meaning is for the reader of the value.
struct Number {
  std::string text;
  bool whole() const { return text.find_first_of(".eE") == std::string::npos; }
};
using Array = std::vector<Value>;
using Object = std::vector<Member>;  // in order of the file; keys are unique

struct Value {
  std::variant<Null, bool, Number, std::string, Array, Object> data;
  std::uint32_t begin = 0, end = 0;  // bytes of the text

  template <typename T>
  const T *as() const {
    return std::get_if<T>(&data);
  }
  /// The member of an object, null if there is none or this is no object.
  const Value *member(std::string_view key) const;
};
struct Member {
  std::string key;
  std::uint32_t begin = 0, end = 0;  // of the key
  Value value;
};

struct Problem {
  std::string message;  // lower case: "a string is not closed"
  std::uint32_t begin = 0, end = 0;
};

inline constexpr unsigned max_depth = 64;
inline constexpr std::size_t max_values = 4'000'000;

/// The value of a whole text. Refused: anything beside RFC 8259, text that is not UTF-8, a key twice in an object,
/// nesting over max_depth, more than max_values values.
std::optional<Value> parse(std::string_view text, Problem &problem);

/// "a string", "an object", ... for messages.
std::string_view kind_of(const Value &value);

}  // namespace upg::sema::json
