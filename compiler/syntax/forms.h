#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace upg::syntax {

/// Where an item stands.
enum class Within : std::uint8_t {
  file,
  cluster,
  import,
  host,
  role,
  state,
  question,
  gate,
  action,
  hold,
  upgrade,
  block
};

/// How an item is written: `poll 5s for 10m`. Several of one word are its ways, the most common one first.
struct Form {
  Within place;
  std::string_view text;
};
std::span<const Form> forms();

/// "`stable` is written `stable 3`" for the item that `word` begins there; empty if it begins none.
std::string written(Within place, std::string_view word);
/// The form of an item that has `word` further inside; empty if there is none.
std::string_view form_with(Within place, std::string_view word);

/// Words of other languages, and of earlier drafts of this one, with what to write here; empty for any other word.
std::string_view habit(Within place, std::string_view word);

}  // namespace upg::syntax
