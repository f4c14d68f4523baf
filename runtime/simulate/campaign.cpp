#include "runtime/simulate/campaign.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "runtime/plan/locator.h"
#include "runtime/transport/simulated/random.h"

namespace upg::simulate {
using machine::Status;
using Every = CampaignOptions::Every;

namespace {

RunOptions options_of(const CampaignOptions &options, std::uint64_t seed) {
  RunOptions run;
  run.model.timed = true;
  run.model.seed = seed;
  run.start_unix_ms = options.start_unix_ms;
  run.next_window = options.next_window;
  run.returns = options.returns;
  return run;
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

void worse(Worst &mine, const Worst &other) {
  if (other.total > 0 && (mine.total == 0 || other.down > mine.down)) mine = other;
}

class Folding {
 public:
  explicit Folding(const plan::Locator &locator) : locator_(locator) {}

  void take(const Outcome &o) {
    ++sum.runs;
    ++sum.statuses[o.ending.status];
    sum.deaths += o.deaths;
    sum.records += o.records;
    sum.fingerprint += mix(o.fingerprint, std::to_string(o.seed));  // a sum: the order of threads does not show
    if (o.ending.status == Status::done) {
      sum.lengths.push_back(o.length);
    } else if (o.ending.status != Status::aborted) {
      const std::string place = o.ending.where.valid() ? locator_.start(o.ending.where) : std::string();
      sum.ends[{o.ending.status, place}].add(o.seed, o.ending.reason);
    }
    for (const std::string &h : o.holds) sum.holds[h].add(o.seed, o.ending.reason);
    for (const Violation &v : o.violations) sum.violations[{v.rule, v.key}].add(o.seed, v.text);
    std::map<Fault::Kind, bool> kinds;
    for (const Fault &f : o.faults) kinds[f.kind] = true;
    for (const auto &[kind, is] : kinds) {
      ++sum.faults[kind].first;
      sum.faults[kind].second += o.ending.status == Status::done;
    }
    for (const auto &[role, worst] : o.by_plan) worse(sum.roles[role].by_plan, worst);
    for (const auto &[role, worst] : o.with_faults) {
      RoleSummary &r = sum.roles[role];
      worse(r.with_faults, worst);
      if (worst.down <= worst.budget) continue;
      r.below_seed = r.below == 0 ? o.seed : std::min(r.below_seed, o.seed);
      ++r.below;
    }
  }

  void take(const Summary &other) {
    sum.runs += other.runs;
    sum.deaths += other.deaths;
    sum.records += other.records;
    sum.fingerprint += other.fingerprint;
    for (const auto &[status, n] : other.statuses) sum.statuses[status] += n;
    for (const auto &[key, t] : other.ends) sum.ends[key].add(t.seed, t.text, t.count);
    for (const auto &[key, t] : other.holds) sum.holds[key].add(t.seed, t.text, t.count);
    for (const auto &[key, t] : other.violations) sum.violations[key].add(t.seed, t.text, t.count);
    for (const auto &[kind, n] : other.faults) {
      sum.faults[kind].first += n.first;
      sum.faults[kind].second += n.second;
    }
    for (const auto &[role, theirs] : other.roles) {
      RoleSummary &r = sum.roles[role];
      worse(r.by_plan, theirs.by_plan);
      worse(r.with_faults, theirs.with_faults);
      if (theirs.below == 0) continue;
      r.below_seed = r.below == 0 ? theirs.below_seed : std::min(r.below_seed, theirs.below_seed);
      r.below += theirs.below;
    }
    sum.lengths.insert(sum.lengths.end(), other.lengths.begin(), other.lengths.end());
  }

  Summary sum;

 private:
  const plan::Locator &locator_;
};

}  // namespace

void Tally::add(std::uint64_t of_seed, const std::string &its_text, std::uint64_t times) {
  if (count == 0 || of_seed < seed) {
    seed = of_seed;
    text = its_text;
  }
  count += times;
}

Measure measure(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &options) {
  const auto once = [&](Millis abort_at) {
    RunOptions how = options_of(options, 0);
    how.abort_at = abort_at;
    Run run(plan, proof, std::move(how));
    run.finish();
    return Measure{run.elapsed(),  run.journal().size(), run.model().commands().size(),
                   run.requests(), run.turns(),          abort_at};
  };
  const Measure whole = once(-1);
  if (!options.aborts || options.every == Every::no) return whole;
  return once(whole.length / 100 * options.abort_percent);
}

namespace {

std::uint64_t moments(const Measure &measured, Every every) {
  return 2 * measured.records + (every == Every::every_kill ? 2 * measured.requests + measured.turns : 0);
}

Fault death_at(const Measure &measured, std::uint64_t moment) {
  Fault death;
  death.kind = Fault::Kind::controller;
  death.away = 30'000;
  std::uint64_t n = moment - 1;
  if (n >= 2 * (measured.records + measured.requests)) {
    death.of = Fault::Of::turn;
    death.number = n - 2 * (measured.records + measured.requests) + 1;
    return death;
  }
  if (n >= 2 * measured.records) {
    death.of = Fault::Of::request;
    n -= 2 * measured.records;
  }
  death.number = n / 2 + 1;
  death.kept = n % 2 == 1;
  return death;
}

}  // namespace

Outcome simulate(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &options,
                 const Measure &measured, std::uint64_t seed, Listener *listener) {
  Outcome out;
  out.seed = seed;
  RunOptions how = options_of(options, seed);
  how.listener = listener;
  if (options.every != Every::no) {
    how.model.seed = 0;  // the run that was measured
    how.abort_at = measured.abort_at;
    out.faults = {death_at(measured, seed)};
  } else {
    out.faults = draw_faults(plan, measured, options.faults, seed);
    if (options.aborts) {
      transport::Random random = transport::Random::named(seed, "abort");
      if (random.chance(500)) how.abort_at = random.between(0, measured.length);
      how.abort_on_halt = random.chance(700);
    }
  }
  how.model.faults = out.faults;
  Run run(plan, proof, std::move(how));
  out.ended = run.finish();
  out.ending = run.ending();
  out.length = run.elapsed();
  out.deaths = run.deaths();
  out.records = run.journal().size();
  out.fingerprint = 0xcbf29ce484222325ull;
  for (const machine::Record &r : run.journal()) {
    out.fingerprint = mix(out.fingerprint, std::to_string(r.unix_ms));
    out.fingerprint = mix(out.fingerprint, machine::info(r.event).name);
    out.fingerprint = mix(out.fingerprint, r.key);
    out.fingerprint = mix(out.fingerprint, r.data);
  }
  for (const machine::HoldView &h : run.holds())
    if (!h.found_on) out.holds.push_back(h.arguments.empty() ? h.name : h.name + "(" + h.arguments + ")");
  out.violations = run.monitor().violations();
  const std::vector<Violation> &owed = run.obligations().violations();
  out.violations.insert(out.violations.end(), owed.begin(), owed.end());
  if (!out.ended) out.violations.push_back({"endless", "the run does not come to an end", "", {}, 0, {}});
  out.by_plan = run.monitor().worst();
  out.with_faults = run.obligations().worst();
  return out;
}

Summary simulate_all(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &wanted) {
  const plan::Locator locator(plan);
  const Measure measured = measure(plan, proof, wanted);
  CampaignOptions options = wanted;
  const std::uint64_t all_moments = wanted.every == Every::no ? 0 : moments(measured, wanted.every);
  std::vector<std::uint64_t> sample;
  if (options.every != Every::no) {
    options.first_seed = 1;
    options.seeds = all_moments;
    if (wanted.sample > 0 && wanted.sample < all_moments) {
      transport::Random random = transport::Random::named(wanted.first_seed, "moments");
      for (std::uint64_t i = 0; i < wanted.sample; ++i) sample.push_back(1 + random.below(all_moments));
      options.seeds = wanted.sample;
    }
  }
  Folding all(locator);
  std::atomic<std::uint64_t> next{0};
  const unsigned jobs = std::clamp(options.jobs, 1u, 256u);
  std::vector<Folding> parts(jobs, Folding(locator));
  const auto work = [&](Folding &mine) {
    for (std::uint64_t i = next++; i < options.seeds; i = next++)
      mine.take(simulate(plan, proof, options, measured, sample.empty() ? options.first_seed + i : sample[i]));
  };
  std::vector<std::thread> threads;
  for (unsigned j = 1; j < jobs; ++j) threads.emplace_back(work, std::ref(parts[j]));
  work(parts[0]);
  for (std::thread &t : threads) t.join();
  for (const Folding &part : parts) all.take(part.sum);
  std::sort(all.sum.lengths.begin(), all.sum.lengths.end());
  all.sum.moments = all_moments;
  return std::move(all.sum);
}

std::string_view name_of(Status status) {
  static constexpr std::array<std::string_view, 6> kNames{"endless", "done", "refused", "stopped", "halted", "aborted"};
  return kNames[static_cast<std::size_t>(status)];
}

Millis quantile(const std::vector<Millis> &ascending, double share) {
  if (ascending.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(ascending.size() - 1) + 0.5);
  return ascending[std::min(at, ascending.size() - 1)];
}

}  // namespace upg::simulate
