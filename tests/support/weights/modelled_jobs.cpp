#include "tests/support/weights/modelled_jobs.hpp"

namespace tandem::testing {
namespace {

constexpr std::size_t complaints_max = 20;
/// An answer from the cache.
constexpr std::chrono::microseconds cache_takes{200};

}  // namespace

modelled_jobs::modelled_jobs(weight_fleet& fleet, job_world& world, const job_options& options)
    : fleet_{fleet}, world_{world}, options_{options}, random_{options.seed * 7919 + 1} {
  fleet_.pins_of = [this](std::size_t node) { return pins_at(node); };
}

void modelled_jobs::complain(const std::string& what) {
  ++counts_.stale;
  if (complaints_.size() < complaints_max)
    complaints_.push_back(std::to_string(fleet_.time().now_ms()) + " ms: " + what);
}

std::map<std::string, std::uint64_t> modelled_jobs::pins_at(std::size_t node) const {
  std::map<std::string, std::uint64_t> out;
  auto nodes = fleet_.nodes().size();
  for (const auto& [id, each] : jobs_) {
    const auto& held = each.pinned.empty() ? each.under_way : each.pinned;
    if (held.empty()) continue;
    auto home = id % nodes;
    // Whoever has the copy of a lost node's journal.
    for (std::size_t i = 0; i < nodes && !fleet_.nodes()[home]->is_alive(); ++i)
      home = (home + 1) % nodes;
    if (home == node) ++out[held];
  }
  return out;
}

void modelled_jobs::arrive_until(us until) {
  auto idle = until_ <= fleet_.time().now();
  until_ = until;
  if (idle) arrive();
}

void modelled_jobs::arrive() {
  std::exponential_distribution<double> gap{options_.jobs_per_s};
  fleet_.time().after(us{static_cast<std::int64_t>(gap(random_) * 1e6)}, [this] {
    if (fleet_.time().now() >= until_) return;
    auto id = ++ids_;
    auto more = options_.calls_max - options_.calls_min;
    auto calls =
        options_.calls_min + (more == 0 ? 0 : static_cast<std::uint32_t>(random_() % (more + 1)));
    std::uniform_real_distribution<double> share{0, 1};
    jobs_.emplace(id, job{.calls_left = calls, .mixes = share(random_) < options_.mixing});
    next_call(id);
    arrive();
  });
}

void modelled_jobs::next_call(std::uint64_t id) {
  auto& of = jobs_.at(id);
  if (of.calls_left == 0) {
    counts_.jobs_mixed += of.mixed ? 1 : 0;
    jobs_.erase(id);
    return;
  }
  --of.calls_left;
  ++counts_.calls;
  auto call = std::make_shared<modelled_call>();
  call->id = ++ids_;
  call->job = id;
  call->mixes = of.mixes;
  call->arrived = fleet_.time().now();
  call->prompt =
      static_cast<std::uint32_t>(options_.prompts == 0 ? call->id : random_() % options_.prompts);
  attempt(call);
}

void modelled_jobs::again(const call_ptr& call, us pause) {
  if (++call->tries > options_.tries && pause < options_.pause) return failed(call, ending::failed);
  fleet_.time().after(pause, [this, call] { attempt(call); });
}

void modelled_jobs::pin(job& of, const std::string& version) {
  if (!of.pinned.empty() && of.pinned != version) of.mixed = true;
  of.pinned = version;
}

void modelled_jobs::attempt(const call_ptr& call) {
  if (fleet_.time().now() >= call->arrived + options_.timeout)
    return failed(call, ending::timed_out);
  auto& of = jobs_.at(call->job);
  call->pinned = of.pinned;
  auto picked = world_.choose(*call);
  if (picked.is_gone && of.mixes) {
    call->pinned.clear();
    picked = world_.choose(*call);
  }
  if (picked.is_gone) return failed(call, ending::by_policy);
  if (!picked.engine) {
    call->avoided.clear();
    return again(call, options_.pause);
  }
  if (serve_from_cache(call, *picked.engine, picked.version)) return;
  auto& engine = fleet_.engine(*picked.engine);
  auto other =
      options_.engines_check_pins && !call->pinned.empty() && engine.version() != call->pinned;
  if (other && engine.is_open()) ++counts_.wrong_weights;
  if (!engine.takes(call->pinned) || other) {
    ++counts_.refused;
    world_.ended(*call, *picked.engine, {}, false);
    call->avoided.push_back(*picked.engine);
    return again(call, options_.hop);
  }
  run(call, *picked.engine, picked.version);
}

bool modelled_jobs::serve_from_cache(const call_ptr& call, std::size_t engine,
                                     const std::string& version) {
  auto key = world_.key(*call, version);
  if (key.empty()) return false;
  auto found = cache_.find(key);
  if (found == cache_.end()) return false;
  const auto& at = fleet_.engine(engine);
  // One that loads has not said yet that it serves others.
  if (at.is_open() && at.version() != version)
    complain("a hit of version " + version + " while engine " + at.name() + " has " + at.version());
  if (found->second != version)
    complain("the cache has an answer of " + found->second + " under version " + version);
  world_.ended(*call, engine, {}, false);
  ++counts_.from_cache;
  fleet_.time().after(cache_takes, [this, call, made_by = found->second] {
    answered(call, made_by, fleet_.time().now(), true);
  });
  return true;
}

void modelled_jobs::run(const call_ptr& call, std::size_t number, const std::string& believed) {
  auto& engine = fleet_.engine(number);
  auto made_by = engine.version();
  auto pinned = call->pinned;
  auto takes = world_.serve(*call, number);
  auto began = fleet_.time().now();
  jobs_.at(call->job).under_way = made_by;
  engine.begin(call->id, call->mixes, [this, call, number] {
    ++counts_.cut_off;
    jobs_.at(call->job).under_way.clear();
    world_.ended(*call, number, {}, false);
    call->avoided = {number};
    again(call, options_.hop);
  });
  // It is told apart from a later try of the same call by its number.
  auto id = call->id;
  call->id = ++ids_;
  fleet_.time().after(takes.end, [this, call, number, id, made_by, believed, began, takes] {
    auto& at = fleet_.engine(number);
    // Before its end: the last one to end lets the next weights in.
    auto has = at.version();
    if (!at.end(id)) return;
    if (has != made_by)
      complain("engine " + at.name() + " has " + has + ", and answers with " + made_by);
    world_.ended(*call, number, takes, true);
    // What was made by others than the router thought is not kept.
    if (made_by == believed)
      if (auto key = world_.key(*call, believed); !key.empty()) cache_.emplace(key, made_by);
    answered(call, made_by, began + takes.first, false);
  });
}

void modelled_jobs::answered(const call_ptr& call, const std::string& version, us first,
                             bool from_cache) {
  auto& of = jobs_.at(call->job);
  if (!of.pinned.empty() && of.pinned != version && !of.mixes)
    complain("job " + std::to_string(call->job) + " holds " + of.pinned + ", and was served " +
             version);
  of.under_way.clear();
  pin(of, version);
  ++counts_.served;
  if (on_done) on_done({call->arrived, first, fleet_.time().now(), ending::served, from_cache});
  next_call(call->job);
}

void modelled_jobs::failed(const call_ptr& call, ending how) {
  counts_.failed += how == ending::failed ? 1 : 0;
  counts_.timed_out += how == ending::timed_out ? 1 : 0;
  counts_.jobs_by_policy += how == ending::by_policy ? 1 : 0;
  if (on_done) on_done({call->arrived, {}, fleet_.time().now(), how, false});
  jobs_.erase(call->job);
}

}  // namespace tandem::testing
