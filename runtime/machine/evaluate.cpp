#include "runtime/machine/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::machine {
namespace {

using plan::HostId;
using plan::NodeId;
using plan::Op;
using Kind = Value::Kind;

constexpr int kDepth = 1500;               // frames of evaluation; a plan's nesting is bounded, its call chains are not
constexpr std::size_t kCommands = 20'000;  // in one consultation

std::string first_line(std::string_view s) {
  s = s.substr(0, s.find('\n'));
  return std::string(s.substr(0, 200));
}

}  // namespace

std::string source_text(const plan::Plan &plan, plan::Span span, std::size_t most) {
  if (!span.valid() || span.file >= plan.files.size()) return "?";
  std::string_view text = plan.text(plan.files[span.file].text);
  if (span.begin > span.end || span.end > text.size()) return "?";
  std::string out;
  for (char c : text.substr(span.begin, span.end - span.begin)) {
    bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
    if (out.size() >= most) return out + "...";
  }
  return out;
}

std::string shell_quote(std::string_view word) {
  std::string q = "'";
  for (char c : word) {
    if (c == '\'')
      q += "'\\''";
    else
      q += c;
  }
  return q + "'";
}

std::string become_user(const plan::Plan &plan, plan::HostId host) {
  auto find = [&](const std::vector<plan::Attribute> &attributes) -> std::string {
    for (const auto &a : attributes)
      if (plan.text(a.key) == "become" && plan.node(a.value).op == plan::Op::text)
        return std::string(plan.text(plan::StringId(plan.node(a.value).a)));
    return {};
  };
  const plan::Host &h = plan.hosts[host.index];
  std::string user = find(h.attributes);
  if (user.empty()) user = find(plan.cluster_attributes);
  return user == plan.text(h.user) ? std::string() : user;
}

/// One pass over one expression; everything that lives longer is in the consultation.
class Evaluator {
 public:
  explicit Evaluator(Consultation &c) : c_(c), plan_(*c.around_->plan) {}

  Value eval(NodeId id, Environment &env);
  Concrete concrete(NodeId id, Environment &env);
  std::string explain(NodeId id, Environment &env);

 private:
  Value eval_call(const plan::Frame &frame, NodeId body, NodeId call, Environment &env, std::string_view what);
  Value eval_field(NodeId id, Environment &env);
  Value eval_index(NodeId id, Environment &env);
  Value eval_operator(NodeId id, Environment &env);
  Value eval_binder(NodeId id, Environment &env);
  Value eval_set(NodeId id, Environment &env);
  Value eval_builtin(NodeId id, Environment &env);
  Value eval_run(NodeId id, Environment &env);
  Value eval_cell(NodeId cell, Environment &env);
  Value host_set(plan::SetId set);
  std::optional<HostId> pick(const Value &hosts, plan::RoleId role);
  plan::RoleId role_of(plan::SetId set) const;
  const Answer *ask(HostId host, Command command);
  Value outcome_value(const Answer &answer, HostId host, const std::vector<int> &exits) const;
  std::string host_name(HostId h) const {
    return h.valid() ? std::string(plan_.text(plan_.hosts[h.index].name)) : "the controller";
  }
  std::string print(const Value &v) const;
  const Value *unready(const std::vector<Value> &values) const;

  Consultation &c_;
  const plan::Plan &plan_;
  int depth_ = 0;
};

std::string Evaluator::print(const Value &v) const { return v.is(Kind::host) ? host_name(v.as_host()) : show(v); }

const Value *Evaluator::unready(const std::vector<Value> &values) const {
  const Value *found = nullptr;
  for (const Value &v : values) {
    if (v.is(Kind::pending)) return &v;
    if (v.open() && !found) found = &v;
  }
  return found;
}

Value Evaluator::eval(NodeId id, Environment &env) {
  if (++depth_ > kDepth) {
    --depth_;
    return Value::unknown("the expression is nested too deeply");
  }
  struct Leave {
    int &depth;
    ~Leave() { --depth; }
  } leave{depth_};

  const plan::Node &n = plan_.node(id);
  switch (n.op) {
    case Op::text:
      return Value::string(std::string(plan_.text(plan::StringId(n.a))));
    case Op::number:
      return Value::integer(plan_.integer(plan::IntegerId(n.a)));
    case Op::decimal:
      return Value::decimal(std::strtod(std::string(plan_.text(plan::StringId(n.a))).c_str(), nullptr));
    case Op::boolean:
      return Value::boolean(n.a != 0);
    case Op::duration:
      return Value::of(Kind::duration, plan_.integer(plan::IntegerId(n.a)));
    case Op::size:
      return Value::of(Kind::size, plan_.integer(plan::IntegerId(n.a)));
    case Op::percent:
      return Value::of(Kind::percent, plan_.integer(plan::IntegerId(n.a)));
    case Op::time:
      return Value::of(Kind::time, plan_.integer(plan::IntegerId(n.a)));
    case Op::version:
      return Value::version(std::string(plan_.text(plan::StringId(n.a))));
    case Op::host:
      return Value::host(HostId(n.a));
    case Op::secret: {
      const auto *secrets = c_.around_->secrets;
      if (!secrets || n.a >= secrets->size()) return Value::unknown("the secret was not given");
      return Value::string((*secrets)[n.a]);
    }
    case Op::list: {
      Value::Items items;
      for (NodeId k : plan_.kids(id)) items.push_back(eval(k, env));
      if (const Value *bad = unready(items)) return *bad;
      return Value::list(std::move(items));
    }
    case Op::local:
      return n.a < env.slots.size() ? env.slots[n.a] : Value::unknown("no such name");
    case Op::was:
      return env.was ? *env.was : Value::unknown("`was` outside a release");
    case Op::cell_value:
      return eval_cell(plan_.kid(id, 0), env);
    case Op::ask_probe: {
      const plan::Probe &probe = plan_.probes[n.a];
      return eval_call(probe.frame, probe.body, id, env, plan_.text(probe.name));
    }
    case Op::builtin:
      return eval_builtin(id, env);
    case Op::field:
      return eval_field(id, env);
    case Op::index:
      return eval_index(id, env);
    case Op::set:
    case Op::set_live:
    case Op::set_union:
    case Op::set_except:
    case Op::set_both:
    case Op::any_of:
      return eval_set(id, env);
    case Op::every:
    case Op::some:
    case Op::each:
    case Op::count_of:
      return eval_binder(id, env);
    case Op::choose: {
      Value test = eval(plan_.kid(id, 0), env);
      if (test.open()) return test;
      return eval(plan_.kid(id, test.yes() ? 1 : 2), env);
    }
    case Op::bind: {
      Value v = eval(plan_.kid(id, 0), env);
      if (n.a < env.slots.size()) env.slots[n.a] = std::move(v);
      return eval(plan_.kid(id, 1), env);
    }
    case Op::no_answer:
      return Value::unknown(std::string(plan_.text(plan::StringId(n.a))));
    case Op::run:
    case Op::shell:
      return eval_run(id, env);
    case Op::ask_person: {
      std::string question(plan_.text(plan::StringId(n.a)));
      auto it = c_.person_answers_.find(question);
      if (it != c_.person_answers_.end()) return Value::string(it->second);
      c_.question_ = question;
      return Value::pending();
    }
    default:
      return eval_operator(id, env);
  }
}

Value Evaluator::eval_call(const plan::Frame &frame, NodeId body, NodeId call, Environment &env,
                           std::string_view what) {
  Environment inner;
  inner.slots.resize(std::max(frame.slots.size(), frame.parameters.size()));
  std::size_t i = 0;
  for (NodeId k : plan_.kids(call)) {
    Value v = eval(k, env);
    if (v.open()) return v;
    if (i < inner.slots.size()) inner.slots[i++] = std::move(v);
  }
  Value v = eval(body, inner);
  if (v.is(Kind::unknown) && v.text.size() < 600) v.text = fmt::format("{} ({})", v.text, what);
  return v;
}

Value Evaluator::eval_cell(NodeId cell, Environment &env) {
  const plan::Node &n = plan_.node(cell);
  const plan::State &state = plan_.states[n.a];
  Value v = eval_call(state.frame, state.observe, cell, env, plan_.text(state.name));
  if (v.open()) return v.is(Kind::pending) ? v : Value::unknown(v.text);
  std::string name = v.is(Kind::boolean) ? (v.number ? "true" : "false") : v.text;
  for (const auto &value : state.values)
    if (plan_.text(value.name) == name) return Value::string(name);
  return Value::unknown(fmt::format("`{}` is no value of state `{}`", first_line(print(v)), plan_.text(state.name)));
}

Value Evaluator::eval_field(NodeId id, Environment &env) {
  std::string_view name = plan_.text(plan::StringId(plan_.node(id).a));
  Value x = eval(plan_.kid(id, 0), env);
  if (x.open()) return x;
  if (x.is(Kind::host)) {
    const plan::Host &host = plan_.hosts[static_cast<std::size_t>(x.number)];
    if (name == "name") return Value::string(std::string(plan_.text(host.name)));
    if (name == "address")
      return Value::string(std::string(plan_.text(host.address.valid() ? host.address : host.name)));
    if (name == "user") return Value::string(std::string(plan_.text(host.user)));
    for (const auto &attribute : host.attributes)
      if (plan_.text(attribute.key) == name) {
        Environment none;
        return eval(attribute.value, none);
      }
    return Value::missing(fmt::format("host `{}` has no attribute `{}`", plan_.text(host.name), name));
  }
  if (const Value *m = x.member(name))
    return m->is(Kind::nothing) ? Value::missing(fmt::format("`{}` is null", name)) : *m;
  if (x.members) return Value::missing(fmt::format("there is no `{}`", name));
  // json of unknown shape: what is a list or text has the members of lists and texts
  for (std::size_t i = 0; i < static_cast<std::size_t>(plan::Builtin::count_); ++i) {
    auto builtin = static_cast<plan::Builtin>(i);
    const plan::BuiltinInfo &row = plan::info(builtin);
    if (row.name == name && row.most == 1 && row.signature.find('.') != std::string_view::npos)
      return apply_builtin(builtin, {x});
  }
  return Value::unknown(fmt::format("a value without members was asked for `{}`", name));
}

Value Evaluator::eval_index(NodeId id, Environment &env) {
  std::vector<Value> v{eval(plan_.kid(id, 0), env), eval(plan_.kid(id, 1), env)};
  if (const Value *bad = unready(v)) return *bad;
  if (v[0].is(Kind::list) && v[1].is(Kind::integer)) {
    std::int64_t size = static_cast<std::int64_t>(v[0].items->size());
    std::int64_t i = v[1].number < 0 ? size + v[1].number : v[1].number;
    if (i < 0 || i >= size) return Value::missing(fmt::format("element {} of {}", v[1].number, size));
    return (*v[0].items)[static_cast<std::size_t>(i)];
  }
  if (v[0].members && v[1].is(Kind::string)) {
    if (const Value *m = v[0].member(v[1].text)) return *m;
    return Value::missing(fmt::format("there is no `{}`", v[1].text));
  }
  return Value::unknown("this value cannot be indexed so");
}

plan::RoleId Evaluator::role_of(plan::SetId set) const {
  for (std::size_t r = 0; r < plan_.roles.size(); ++r)
    if (plan_.roles[r].hosts == set) return plan::RoleId(r);
  return {};
}

Value Evaluator::host_set(plan::SetId id) {
  const plan::HostSet &set = plan_.sets[id.index];
  Value::Items hosts;
  bool pending = false;
  Value unknown;
  for (HostId h : set.hosts) {
    if (set.condition.valid()) {
      Environment env;
      env.slots.resize(std::max<std::size_t>(1, set.frame.slots.size()));
      env.slots[0] = Value::host(h);
      Value v = eval(set.condition, env);
      if (v.is(Kind::pending)) pending = true;
      if (v.open() && !v.is(Kind::pending)) {
        // a host that cannot be asked is not in the set only if nobody relies on that: unknown, unless another host
        // answers yes
        unknown = v;
        continue;
      }
      if (!v.yes()) continue;
    }
    hosts.push_back(Value::host(h));
  }
  if (pending) return Value::pending();
  if (hosts.empty() && unknown.open()) return Value::unknown(unknown.text);
  return Value::list(std::move(hosts));
}

Value Evaluator::eval_set(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  if (n.op == Op::set) return host_set(plan::SetId(n.a));
  if (n.op == Op::set_live) {
    Value all = host_set(plan::SetId(n.a));
    if (all.open()) return all;
    plan::RoleId role = role_of(plan::SetId(n.a));
    Value::Items live;
    for (const Value &h : *all.items)
      if (c_.around_->world->up(h.as_host(), role)) live.push_back(h);
    return Value::list(std::move(live));
  }
  std::vector<Value> v;
  for (NodeId k : plan_.kids(id)) v.push_back(eval(k, env));
  if (const Value *bad = unready(v)) return *bad;
  for (Value &x : v)
    if (x.is(Kind::host)) x = Value::list({x});
  for (const Value &x : v)
    if (!x.is(Kind::list)) return Value::unknown("this is no set of hosts");
  if (n.op == Op::any_of) {
    auto h = pick(v[0], {});
    return h ? Value::host(*h) : Value::unknown("no host of the set is up and answers");
  }
  auto has = [](const Value &list, const Value &x) {
    return std::any_of(list.items->begin(), list.items->end(), [&](const Value &y) { return equal(x, y); });
  };
  Value::Items out;
  if (n.op == Op::set_union) {
    out = *v[0].items;
    for (const Value &x : *v[1].items)
      if (!has(v[0], x)) out.push_back(x);
  } else {
    bool keep = n.op == Op::set_both;
    for (const Value &x : *v[0].items)
      if (has(v[1], x) == keep) out.push_back(x);
  }
  return Value::list(std::move(out));
}

/// The first host that the plan has not taken down, that answered so far or was not asked yet.
std::optional<HostId> Evaluator::pick(const Value &hosts, plan::RoleId role) {
  for (const Value &h : *hosts.items) {
    if (!h.is(Kind::host) || !c_.around_->world->up(h.as_host(), role)) continue;
    bool dead = false;
    std::string prefix = fmt::format("{}\n", h.number);
    for (auto it = c_.answers_.lower_bound(prefix); it != c_.answers_.end() && it->first.starts_with(prefix); ++it)
      dead = dead || it->second.outcome == Outcome::unreachable || it->second.outcome == Outcome::lost ||
             it->second.outcome == Outcome::timed_out;
    if (!dead) return h.as_host();
  }
  return std::nullopt;
}

Value Evaluator::eval_operator(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  if (n.op == Op::either || n.op == Op::both) {
    bool decisive = n.op == Op::either;
    Value left = eval(plan_.kid(id, 0), env);
    if (left.is(Kind::pending)) return left;
    if (!left.open() && left.yes() == decisive) return left;
    Value right = eval(plan_.kid(id, 1), env);
    if (right.is(Kind::pending)) return right;
    if (!right.open() && right.yes() == decisive) return right;
    return left.open() ? left : right;
  }
  if (n.op == Op::otherwise) {
    Value left = eval(plan_.kid(id, 0), env);
    return left.is(Kind::missing) ? eval(plan_.kid(id, 1), env) : left;
  }
  std::vector<Value> v;
  for (NodeId k : plan_.kids(id)) v.push_back(eval(k, env));
  if (const Value *bad = unready(v)) return *bad;
  auto ordered = [&](auto test) {
    int c = compare(v[0], v[1]);
    return c == 2 ? Value::unknown(fmt::format("`{}` and `{}` cannot be compared", first_line(print(v[0])),
                                               first_line(print(v[1]))))
                  : Value::boolean(test(c));
  };
  switch (n.op) {
    case Op::negate:
      return Value::boolean(!v[0].yes());
    case Op::equal:
    case Op::differ: {
      bool alike = (v[0].is(Kind::list) && v[1].is(Kind::list)) || (v[0].members && v[1].members) ||
                   (v[0].is(Kind::nothing) && v[1].is(Kind::nothing)) || compare(v[0], v[1]) != 2;
      // remote data of another kind than the plan expects says nothing, neither "equal" nor "different"
      if (!alike)
        return Value::unknown(
            fmt::format("`{}` and `{}` cannot be compared", first_line(print(v[0])), first_line(print(v[1]))));
      return Value::boolean(equal(v[0], v[1]) == (n.op == Op::equal));
    }
    case Op::less:
      return ordered([](int c) { return c < 0; });
    case Op::less_equal:
      return ordered([](int c) { return c <= 0; });
    case Op::greater:
      return ordered([](int c) { return c > 0; });
    case Op::greater_equal:
      return ordered([](int c) { return c >= 0; });
    case Op::within:
    case Op::contains: {
      const Value &box = n.op == Op::within ? v[1] : v[0];
      const Value &x = n.op == Op::within ? v[0] : v[1];
      if (box.is(Kind::list))
        return Value::boolean(
            std::any_of(box.items->begin(), box.items->end(), [&](const Value &y) { return equal(x, y); }));
      if (!x.is(Kind::string)) return Value::unknown("only text can be part of text");
      if (box.is(Kind::result)) return Value::boolean(box.member("stdout")->text.find(x.text) != std::string::npos);
      if (box.members) return Value::boolean(box.member(x.text) != nullptr);
      if (box.is(Kind::string) && x.is(Kind::string)) return Value::boolean(box.text.find(x.text) != std::string::npos);
      return Value::unknown("this value cannot contain anything");
    }
    case Op::matches: {
      if (!v[0].is(Kind::string) && !v[0].is(Kind::result) && !v[0].is(Kind::version))
        return Value::unknown("only text matches a pattern");
      if (!v[1].is(Kind::string)) return Value::unknown("a pattern is text");
      Value found = search(v[0].is(Kind::result) ? v[0].member("stdout")->text : v[0].text, v[1].text);
      return found.is(Kind::missing) ? Value::boolean(false) : found.open() ? found : Value::boolean(true);
    }
    case Op::concat: {
      std::string s;
      for (const Value &x : v) s += print(x);
      return Value::string(std::move(s));
    }
    case Op::minus: {
      Value r = v[0];
      if (r.is(Kind::decimal))
        r.real = -r.real;
      else if (r.number == INT64_MIN)
        return Value::unknown("number out of range");
      else
        r.number = -r.number;
      return r;
    }
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
      break;
    default:
      return Value::unknown(fmt::format("`{}` gives no value", plan::info(n.op).name));
  }
  if (n.op == Op::add && v[0].is(Kind::list) && v[1].is(Kind::list)) {
    Value::Items items = *v[0].items;
    items.insert(items.end(), v[1].items->begin(), v[1].items->end());
    return Value::list(std::move(items));
  }
  if (n.op == Op::add && v[0].is(Kind::string) && v[1].is(Kind::string)) return Value::string(v[0].text + v[1].text);
  auto number = [](const Value &x) {
    return x.kind >= Kind::integer && x.kind <= Kind::time && !x.is(Kind::string) && !x.is(Kind::version);
  };
  if (!number(v[0]) || !number(v[1])) return Value::unknown("arithmetic over something that is no number");
  if (v[0].is(Kind::decimal) || v[1].is(Kind::decimal)) {
    double a = v[0].is(Kind::decimal) ? v[0].real : static_cast<double>(v[0].number);
    double b = v[1].is(Kind::decimal) ? v[1].real : static_cast<double>(v[1].number);
    if (n.op == Op::divide && b == 0) return Value::unknown("division by zero");
    return Value::decimal(n.op == Op::add        ? a + b
                          : n.op == Op::subtract ? a - b
                          : n.op == Op::multiply ? a * b
                                                 : a / b);
  }
  Value r = v[0].is(Kind::integer) ? v[1] : v[0];
  std::int64_t a = v[0].number, b = v[1].number;
  bool overflow = false;
  switch (n.op) {
    case Op::add:
      overflow = __builtin_add_overflow(a, b, &r.number);
      break;
    case Op::subtract:
      overflow = __builtin_sub_overflow(a, b, &r.number);
      break;
    case Op::multiply:
      overflow = __builtin_mul_overflow(a, b, &r.number);
      break;
    default:
      if (b == 0) return Value::unknown("division by zero");
      if (a == INT64_MIN && b == -1)
        overflow = true;
      else
        r.number = a / b;
      if (v[0].kind == v[1].kind) r.kind = Kind::integer;
  }
  return overflow ? Value::unknown("number out of range") : r;
}

Value Evaluator::eval_binder(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  Value source = eval(plan_.kid(id, 0), env);
  if (source.open()) return source;
  if (!source.is(Kind::list)) return Value::unknown("only a list or a set can be gone through");
  if (n.a >= env.slots.size()) return Value::unknown("no such name");
  bool pending = false;
  Value unknown;
  Value::Items kept;
  std::size_t count = 0, yes = 0;
  for (const Value &item : *source.items) {
    env.slots[n.a] = item;
    Value condition = eval(plan_.kid(id, 1), env);
    if (condition.is(Kind::pending))
      pending = true;
    else if (condition.open())
      unknown = condition;
    if (condition.open() || !condition.yes()) continue;
    ++count;
    if (n.op == Op::count_of) continue;
    Value body = eval(plan_.kid(id, 2), env);
    if (body.is(Kind::pending))
      pending = true;
    else if (body.open())
      unknown = body;
    else if (n.op == Op::each)
      kept.push_back(std::move(body));
    else if (body.yes())
      ++yes;
    else if (n.op == Op::every && !pending)
      return Value::boolean(false);
  }
  if (pending) return Value::pending();
  if (n.op == Op::some && yes > 0) return Value::boolean(true);
  if (unknown.open()) return unknown;
  switch (n.op) {
    case Op::each:
      return Value::list(std::move(kept));
    case Op::count_of:
      return Value::integer(static_cast<std::int64_t>(count));
    default:
      if (count == 0 && n.b == 0)
        return Value::unknown("nothing to go through (an empty list is no answer; `if any` says that it is meant)");
      return Value::boolean(n.op == Op::every ? yes == count : yes > 0);
  }
}

Value Evaluator::eval_builtin(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  auto which = static_cast<plan::Builtin>(n.a);
  if (which == plan::Builtin::votes && plan_.kids(id).size() == 1) {
    const plan::Node &set = plan_.node(plan_.kid(id, 0));
    plan::RoleId role = set.op == Op::set || set.op == Op::set_live ? role_of(plan::SetId(set.a)) : plan::RoleId();
    if (!role.valid()) return Value::unknown("`votes` needs a role");
    const plan::Role &r = plan_.roles[role.index];
    std::int64_t sum = static_cast<std::int64_t>(plan_.sets[r.hosts.index].hosts.size());
    if (!r.weights.empty()) {
      sum = 0;
      for (auto w : r.weights) sum += w;
    }
    return Value::integer(sum);
  }
  std::vector<Value> v;
  for (NodeId k : plan_.kids(id)) v.push_back(eval(k, env));
  if (const Value *bad = unready(v)) return *bad;
  if (which == plan::Builtin::answers) {
    if (v.empty() || !v[0].is(Kind::host)) return Value::unknown("`answers` needs a host");
    Command command;
    command.argv = {"true"};
    command.timeout = 10'000;
    const Answer *a = ask(v[0].as_host(), std::move(command));
    if (!a) return Value::pending();
    if (a->outcome == Outcome::refused) return Value::unknown(a->detail);
    return Value::boolean(a->outcome == Outcome::exited || a->outcome == Outcome::signaled);
  }
  return apply_builtin(which, v);
}

Concrete Evaluator::concrete(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  Concrete out;
  out.command.timeout = c_.around_->question_timeout;
  bool user_written = false;
  auto fail = [&](const Value &v) {
    if (out.problem.is(Kind::nothing) || v.is(Kind::pending)) out.problem = v;
  };
  bool first = true;
  for (NodeId k : plan_.kids(id)) {
    const plan::Node &child = plan_.node(k);
    if (first) {  // the target
      first = false;
      if (child.op == Op::on_local) {
        out.hosts.push_back(HostId());
        continue;
      }
      Value where = eval(plan_.kid(k, 0), env);
      if (where.is(Kind::host)) where = Value::list({where});
      if (where.open())
        fail(where);
      else if (!where.is(Kind::list))
        fail(Value::unknown("the target is no host"));
      else
        for (const Value &h : *where.items)
          if (h.is(Kind::host)) out.hosts.push_back(h.as_host());
      out.any = child.op == Op::on_any;
      out.each = child.op == Op::on_each;
      if (where.is(Kind::list) && out.hosts.empty()) fail(Value::unknown("no host to ask"));
      continue;
    }
    if (child.op == Op::exits) {
      out.exits.push_back(static_cast<int>(plan_.integer(plan::IntegerId(child.a))));
      continue;
    }
    if (child.op == Op::stdin_is || child.op == Op::as_user || child.op == Op::env_is) {
      NodeId source = plan_.kid(k, 0);
      out.command.secret = out.command.secret || plan_.node(source).op == Op::secret;
      Value v = eval(source, env);
      if (v.open())
        fail(v);
      else if (child.op == Op::stdin_is)
        out.command.input = print(v);
      else if (child.op == Op::env_is)
        out.command.environment.emplace_back(plan_.text(plan::StringId(child.a)), print(v));
      else
        out.command.user = print(v), user_written = true;
      continue;
    }
    bool literal = n.op == Op::shell && child.op == Op::text;
    Value v = eval(k, env);
    if (v.open())
      fail(v);
    else if (n.op == Op::shell) {
      if (literal)
        out.command.script += v.text;
      else if (v.is(Kind::list)) {
        for (std::size_t i = 0; i < v.items->size(); ++i)
          out.command.script += (i ? " " : "") + shell_quote(print((*v.items)[i]));
      } else
        out.command.script += shell_quote(print(v));
    } else if (v.is(Kind::list)) {
      for (const Value &x : *v.items) out.command.argv.push_back(print(x));
    } else {
      out.command.argv.push_back(print(v));
    }
  }
  if (out.exits.empty()) out.exits.push_back(0);
  if (!user_written && !out.hosts.empty() && out.hosts[0].valid()) out.command.user = become_user(plan_, out.hosts[0]);
  return out;
}

const Answer *Evaluator::ask(HostId host, Command command) {
  std::string memo = fmt::format("{}\n", host.valid() ? static_cast<std::int64_t>(host.index) : -1);
  for (const auto &a : command.argv) memo += a + '\x1f';
  memo += '\n' + command.script + '\n' + command.user + '\n' + command.input;
  for (const auto &[k, v] : command.environment) memo += '\n' + k + '=' + v;
  auto it = c_.answers_.find(memo);
  if (it != c_.answers_.end()) return &it->second;
  if (host.valid()) c_.asked_.insert(host.index);
  if (c_.outstanding_.size() + c_.answers_.size() < kCommands && c_.outstanding_.insert(memo).second)
    c_.wanted_.push_back({host, std::move(command), memo});
  return nullptr;
}

Value Evaluator::outcome_value(const Answer &a, HostId host, const std::vector<int> &exits) const {
  switch (a.outcome) {
    case Outcome::exited:
      break;
    case Outcome::signaled:
      return Value::unknown(fmt::format("the command on {} died by signal {}", host_name(host), a.signal));
    case Outcome::timed_out:
      return Value::unknown(
          fmt::format("{} did not answer in time{}{}", host_name(host), a.detail.empty() ? "" : ": ", a.detail));
    default:
      return Value::unknown(fmt::format("{}: {}", host_name(host), a.detail.empty() ? "no answer" : a.detail));
  }
  if (std::find(exits.begin(), exits.end(), a.code) == exits.end()) {
    std::string said = first_line(a.err.empty() ? a.out : a.err);
    return Value::unknown(
        fmt::format("exit code {} on {}{}{}", a.code, host_name(host), said.empty() ? "" : ": ", said));
  }
  return Value::result(a.code, a.out, a.err);
}

Value Evaluator::eval_run(NodeId id, Environment &env) {
  Concrete c = concrete(id, env);
  if (!c.problem.is(Kind::nothing)) return c.problem;
  if (c.each) {
    Value::Items results;
    std::vector<std::pair<HostId, const Answer *>> answers;
    for (HostId h : c.hosts) answers.emplace_back(h, ask(h, c.command));
    for (auto [h, a] : answers) {
      if (!a) return Value::pending();
      Value v = outcome_value(*a, h, c.exits);
      if (v.open()) return v;
      results.push_back(std::move(v));
    }
    return Value::list(std::move(results));
  }
  Value::Items candidates;
  for (HostId h : c.hosts) candidates.push_back(Value::host(h));
  Value hosts = Value::list(std::move(candidates));
  for (;;) {
    HostId target = c.hosts[0];
    if (c.any) {
      auto picked = pick(hosts, {});
      if (!picked) return Value::unknown(fmt::format("none of {} hosts is up and answers", c.hosts.size()));
      target = *picked;
    }
    const Answer *a = ask(target, c.command);
    if (!a) return Value::pending();
    bool dead = a->outcome == Outcome::unreachable || a->outcome == Outcome::lost || a->outcome == Outcome::timed_out;
    if (!c.any || !dead) return outcome_value(*a, target, c.exits);  // a dead one is not picked again
  }
}

std::string Evaluator::explain(NodeId id, Environment &env) {
  for (int depth = 0; depth < 300; ++depth) {
    const plan::Node &n = plan_.node(id);
    if (n.op == Op::bind) {
      Value v = eval(plan_.kid(id, 0), env);
      if (n.a < env.slots.size()) env.slots[n.a] = std::move(v);
      id = plan_.kid(id, 1);
    } else if (n.op == Op::both) {
      Value left = eval(plan_.kid(id, 0), env);
      id = plan_.kid(id, !left.open() && left.yes() ? 1 : 0);
    } else if (n.op == Op::every && n.a < env.slots.size()) {
      Value source = eval(plan_.kid(id, 0), env);
      if (!source.is(Kind::list)) break;
      bool found = false;
      for (const Value &item : *source.items) {
        env.slots[n.a] = item;
        Value condition = eval(plan_.kid(id, 1), env);
        Value body = condition.yes() ? eval(plan_.kid(id, 2), env) : Value::boolean(true);
        if (body.open() || body.yes()) continue;
        found = true;
        break;
      }
      if (!found) break;
      std::string inner = explain(plan_.kid(id, 2), env);
      return fmt::format("{} ({} of `{}`)", inner, first_line(print(env.slots[n.a])),
                         source_text(plan_, plan_.span(plan_.kid(id, 0)), 40));
    } else {
      break;
    }
  }
  std::string said;
  auto kids = plan_.kids(id);
  if (kids.size() == 2) {
    for (NodeId k : kids) {
      plan::Op op = plan_.node(k).op;
      if (op == Op::text || op == Op::number || op == Op::boolean) continue;
      Value v = eval(k, env);
      if (v.is(Kind::pending)) continue;
      said += fmt::format("{}`{}` is {}", said.empty() ? "" : ", ", source_text(plan_, plan_.span(k), 60),
                          first_line(print(v)));
    }
  }
  std::string source = source_text(plan_, plan_.span(id), 120);
  return said.empty() ? fmt::format("`{}` is false", source) : fmt::format("`{}` is false: {}", source, said);
}

// ---- Consultation
// ------------------------------------------------------------------------------------------------------------------

Value Consultation::evaluate(NodeId expression) {
  Environment env = environment_;
  question_.clear();
  return Evaluator(*this).eval(expression, env);
}

void Consultation::answer(const std::string &memo, Answer answer) {
  outstanding_.erase(memo);
  answers_.insert_or_assign(memo, std::move(answer));
}

std::string Consultation::explain(NodeId condition) {
  Environment env = environment_;
  return Evaluator(*this).explain(condition, env);
}

void Consultation::answer_person(std::string text) { person_answers_[question_] = std::move(text); }

Concrete Consultation::make(NodeId node) {
  Environment env = environment_;
  question_.clear();
  return Evaluator(*this).concrete(node, env);
}

}  // namespace upg::machine
