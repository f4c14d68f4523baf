// Expressions over the answers that are there.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/evaluator.h"

namespace upg::machine {
using plan::HostId;
using plan::NodeId;
using plan::Op;
namespace {
constexpr int kDepth = 1500;  // frames of evaluation; a plan's nesting is bounded, its call chains are not
}
using Kind = Value::Kind;

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
  if (Simulation *simulation = c_.around_->simulation)
    if (std::optional<Value> v = simulation->answer(body, inner.slots)) return *v;
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
