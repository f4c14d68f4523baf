#include "runtime/plan/enums.h"

#include <array>

namespace upg::plan {

#define UPG_WORD(value, word) std::string_view(word),
#define UPG_ENUM_WORDS(name, list)                                                                                  \
  std::string_view name_of(name value) {                                                                            \
    static constexpr std::array<std::string_view, static_cast<std::size_t>(name::count_)> words = {list(UPG_WORD)}; \
    const auto i = static_cast<std::size_t>(value);                                                                 \
    return i < words.size() ? words[i] : std::string_view("?");                                                     \
  }

UPG_ENUM_WORDS(BaseType, UPG_BASE_TYPES)
UPG_ENUM_WORDS(AvailableKind, UPG_AVAILABLE_KINDS)
UPG_ENUM_WORDS(WatchKind, UPG_WATCH_KINDS)
UPG_ENUM_WORDS(UndoKind, UPG_UNDO_KINDS)
UPG_ENUM_WORDS(Afterwards, UPG_AFTERWARDS)
UPG_ENUM_WORDS(SecretSource, UPG_SECRET_SOURCES)
UPG_ENUM_WORDS(WindowDay, UPG_WINDOW_DAYS)
UPG_ENUM_WORDS(PlanKind, UPG_PLAN_KINDS)
UPG_ENUM_WORDS(Category, UPG_CATEGORIES)
UPG_ENUM_WORDS(Immediate, UPG_IMMEDIATES)

}  // namespace upg::plan
