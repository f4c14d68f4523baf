// Every form that a message shows is one that can be written.
#include "compiler/syntax/forms.h"

#include <gtest/gtest.h>

#include "test/unit/syntax/parse_fixture.h"

namespace upg::syntax {
namespace {

std::string around(Within place, std::string_view form) {
  const std::string item(form);
  switch (place) {
    case Within::file:
      return item + "\n";
    case Within::cluster:
      return "cluster c {\n  " + item + "\n}\n";
    case Within::import:
      return "cluster c {\n  import \"i.json\" {\n    " + item + "\n  }\n}\n";
    case Within::host:
      return "cluster c {\n  host h \"10.0.0.1\" {\n    " + item + "\n  }\n}\n";
    case Within::role:
      return "role r {\n  " + item + "\n}\n";
    case Within::state:
      return "state s { a, b } observe f()\n  " + item + "\n";
    case Within::question:
      return "probe p -> int {\n  " + item + "\n}\n";
    case Within::gate:
      return "gate g {\n  " + item + "\n}\n";
    case Within::action:
      return "action a {\n  " + item + "\n}\n";
    case Within::hold:
      return "hold k {\n  " + item + "\n}\n";
    case Within::upgrade:
      return "upgrade u of c {\n  " + item + "\n}\n";
    case Within::block:
      return "procedure q {\n  " + item + "\n}\n";
  }
  return {};
}

TEST(Forms, EachParses) {
  for (const Form &form : forms()) {
    const Parsed parsed(around(form.place, form.text));
    EXPECT_TRUE(parsed.tree.complete) << form.text << "\n" << parsed.shown();
  }
}

TEST(Forms, AreFoundByTheirFirstWord) {
  EXPECT_EQ(written(Within::gate, "stable"), "`stable` is written `stable 3`");
  EXPECT_EQ(written(Within::role, "serial"), "`serial` stands alone");
  EXPECT_EQ(written(Within::gate, "serial"), "");
  EXPECT_NE(written(Within::upgrade, "await"), "");  // a statement stands there, too
  EXPECT_EQ(written(Within::gate, ""), "");
}

TEST(Forms, AreFoundByAWordInside) {
  EXPECT_EQ(form_with(Within::role, "quorum"), "available quorum");
  EXPECT_EQ(form_with(Within::action, "cable"), "");  // in a string
  EXPECT_EQ(form_with(Within::gate, "quorum"), "");
}

TEST(Forms, HabitsDependOnThePlace) {
  EXPECT_NE(habit(Within::file, "include"), "");
  EXPECT_EQ(habit(Within::block, "include"), "");
  EXPECT_NE(habit(Within::upgrade, "wait"), "");
  EXPECT_EQ(habit(Within::gate, "wait"), "");
  EXPECT_EQ(habit(Within::gate, ""), "");
}

}  // namespace
}  // namespace upg::syntax
