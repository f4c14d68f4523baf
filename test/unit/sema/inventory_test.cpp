#include "compiler/sema/inventory.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "compiler/sema/address.h"

namespace upg::sema {
namespace {

struct Read {
  std::optional<Inventory> inventory;
  std::vector<std::string> messages;
};

Read read(const std::string &text) {
  Sources sources;
  Sink sink;
  const FileId file = sources.add("x.json", text);
  Read out;
  out.inventory = read_inventory(sources.text(file), file, sink);
  for (const auto &d : sink.all()) {
    const auto at = sources.position(file, d.primary.range.begin);
    out.messages.push_back(std::to_string(at.line) + ":" + std::to_string(at.column) + " " + d.message);
  }
  EXPECT_EQ(out.inventory.has_value(), out.messages.empty()) << text;
  return out;
}

using Messages = std::vector<std::string>;

TEST(Inventory, OwnForm) {
  const auto r = read(R"({"hosts": [
    {"name": "node1", "address": "10.0.0.1", "port": 2222, "user": "root", "roles": ["a.b"], "via": ["jump"],
     "attributes": {"rack": "r1", "votes": 2, "pinned": [105], "ratio": 1.5, "spare": false}},
    {"name": "jump", "via": "node1"}]})");
  ASSERT_TRUE(r.inventory);
  EXPECT_FALSE(r.inventory->grouped);
  ASSERT_EQ(r.inventory->hosts.size(), 2u);
  const ImportedHost &h = r.inventory->hosts[0];
  EXPECT_EQ(h.name.text, "node1");
  EXPECT_EQ(h.address->text, "10.0.0.1");
  EXPECT_EQ(h.port, 2222u);
  EXPECT_EQ(h.user->text, "root");
  EXPECT_EQ(h.roles.at(0).text, "a.b");
  EXPECT_EQ(h.via.at(0).text, "jump");
  ASSERT_EQ(h.attributes.size(), 5u);
  EXPECT_EQ(h.attributes[1].value.integer(), 2);
  EXPECT_EQ(h.attributes[2].value.type, Type::list_of(Type::of(Base::integer)));
  EXPECT_EQ(h.attributes[3].value.text(), "1.5");
  EXPECT_EQ(r.inventory->hosts[1].via.at(0).text, "node1");
}

TEST(Inventory, OwnFormMistakesAreLocated) {
  EXPECT_EQ(read("[]").messages, Messages{"1:1 an inventory is an object, this is an array"});
  EXPECT_EQ(read("{}").messages, Messages{"1:1 this is no inventory"});
  EXPECT_EQ(read("{\"hosts\": [1,\n {}, {\"name\": 5}]}").messages,
            (Messages{"1:12 a host is an object, this is a number", "2:2 a host has no `name`",
                      "2:15 a host's name is a string, this is a number"}));
  EXPECT_EQ(read(R"({"hosts": [{"name": "a", "adress": "x"}], "more": 1})").messages,
            (Messages{"1:26 a host has no `adress`", "1:43 an inventory has no `more`, only `hosts`"}));
  EXPECT_EQ(
      read(R"({"hosts": [{"name": "a", "port": 70000, "roles": "x", "attributes": {"a b": 1, "c": {}, "d": null}}]})")
          .messages,
      (Messages{"1:34 a port is a number from 1 to 65535", "1:50 `roles` is a list of strings, this is a string",
                "1:70 `a b` cannot be the name of an attribute", "1:85 attribute `c` is an object",
                "1:94 attribute `d` is null"}));
  EXPECT_EQ(read("{\n  \"hosts\": [}").messages, Messages{"2:13 this is not valid JSON: a value is needed here"});
}

TEST(Inventory, AnsibleList) {
  const auto r = read(R"({
    "_meta": {"hostvars": {
      "n1": {"ansible_host": "10.0.0.1", "ansible_port": "2201", "ansible_user": "root", "rack": "r1", "nested": {"x": 1},
             "ansible_become": true, "roles": ["ignored"], "bad-key": 1},
      "n2": {"ansible_port": 22}, "alone": {}}},
    "all": {"children": ["ungrouped", "pve"]},
    "pve": {"children": ["left", "right", "pve"]},
    "left": {"hosts": ["n2"]}, "right": {"hosts": ["n1", "n2"]}, "old": ["n1"]})");
  ASSERT_TRUE(r.inventory);
  EXPECT_TRUE(r.inventory->grouped);
  ASSERT_EQ(r.inventory->hosts.size(), 3u);
  EXPECT_EQ(r.inventory->hosts[0].name.text, "n2");
  EXPECT_EQ(r.inventory->hosts[1].name.text, "n1");
  EXPECT_EQ(r.inventory->hosts[2].name.text, "alone");
  const ImportedHost &n1 = r.inventory->hosts[1];
  EXPECT_EQ(n1.address->text, "10.0.0.1");
  EXPECT_EQ(n1.port, 2201u);
  EXPECT_EQ(n1.user->text, "root");
  ASSERT_EQ(n1.attributes.size(), 1u);
  EXPECT_EQ(n1.attributes[0].key, "rack");
  EXPECT_EQ(r.inventory->members("pve"), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(r.inventory->members("old"), (std::vector<std::size_t>{1}));
  EXPECT_EQ(r.inventory->members("nothing"), std::nullopt);
}

TEST(Inventory, AnsibleMistakes) {
  EXPECT_EQ(read(R"({"_meta": {"hostvars": []}})").messages,
            Messages{"1:24 `hostvars` is an object, this is an array"});
  EXPECT_EQ(read(R"({"_meta": {}, "g": 5})").messages, Messages{"1:20 a group is an object, this is a number"});
  EXPECT_EQ(read(R"({"_meta": {"hostvars": {"a": 5, "b": {"ansible_host": 1, "ansible_port": "x"}}}})").messages,
            (Messages{"1:30 the variables of a host are an object, this is a number",
                      "1:55 `ansible_host` is a string, this is a number", "1:74 a port is a number from 1 to 65535"}));
}

TEST(Inventory, GroupsOfGroupsAreBounded) {
  std::string text = R"({"_meta": {}, "all": {"children": ["g0"]})";
  for (int i = 0; i < 20'000; ++i)
    text += ", \"g" + std::to_string(i) + "\": {\"hosts\": [\"h" + std::to_string(i) + "\"], \"children\": [\"g" +
            std::to_string(i + 1) + "\", \"all\"]}";
  const auto r = read(text + "}");
  ASSERT_TRUE(r.inventory);
  EXPECT_EQ(r.inventory->hosts.size(), 20'000u);
  EXPECT_EQ(r.inventory->members("g19000")->size(), 20'000u);
}

TEST(Inventory, AnyBytesAreSafe) {
  const std::string text =
      R"({"_meta":{"hostvars":{"n1":{"ansible_host":"10.0.0.1","ansible_port":22,"a":[1,2.5,"x"]}}},"all":{"children":["g"]},"g":{"hosts":["n1"]}})";
  std::mt19937 random(11);
  for (int round = 0; round < 5'000; ++round) {
    std::string broken = text;
    for (int i = 0; i < 2; ++i) broken[random() % broken.size()] = "{}[]\",:0a\\"[random() % 10];
    (void)read(broken);
  }
}

TEST(Address, Forms) {
  std::string why;
  const auto parsed = [&](std::string_view text) {
    const auto address = parse_address(text, why);
    return address ? address->host + " " + std::to_string(address->port) : "no: " + why;
  };
  EXPECT_EQ(parsed("10.1.0.11"), "10.1.0.11 0");
  EXPECT_EQ(parsed("node1.example.com:2222"), "node1.example.com 2222");
  EXPECT_EQ(parsed("[fe80::1%eth0]:22"), "fe80::1%eth0 22");
  EXPECT_EQ(parsed("2001:db8::5"), "2001:db8::5 0");
  EXPECT_EQ(parsed("10.1.0.256"), "no: it is not an IPv4 address");
  EXPECT_EQ(parsed("fe80::zz"), "no: it is not an IPv6 address");
  EXPECT_EQ(parsed("[fe80::1]x"), "no: only `:PORT` may follow `]`");
  EXPECT_EQ(parsed("a:0"), "no: a port is a number from 1 to 65535");
  EXPECT_EQ(parsed("a:99999999999"), "no: a port is a number from 1 to 65535");
  EXPECT_EQ(parsed("-oProxyCommand=x"), "no: it does not begin with a letter or digit");
  EXPECT_EQ(parsed("a b"), "no: it may hold letters, digits, `-`, `_` and `.` only");
  EXPECT_EQ(parsed(""), "no: it is empty");
  EXPECT_EQ(parsed(":22"), "no: it is empty");
  EXPECT_EQ(address_key("FE80:0::2", 0), address_key("fe80::2", 22));
  EXPECT_EQ(address_key("Node1.", 22), address_key("node1", 0));
  EXPECT_NE(address_key("node1", 23), address_key("node1", 0));
  EXPECT_TRUE(user_problem("-x") && user_problem("a b") && user_problem("") && !user_problem("_svc.up-g"));
}

}  // namespace
}  // namespace upg::sema
