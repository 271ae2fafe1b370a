#include "actors/engine/weight_change.hpp"

#include <algorithm>
#include <utility>

#include "schema/text.hpp"

namespace tandem {
namespace {

using std::chrono::milliseconds;

/// For requests that were cancelled to end.
constexpr milliseconds cut_grace{5000};
/// A backend ends its steps itself, and says more about why; this is for one that does not.
constexpr milliseconds step_grace{2000};
constexpr milliseconds pause_limit{30'000};
constexpr milliseconds resume_limit{30'000};
constexpr milliseconds load_default{std::chrono::minutes{10}};
constexpr std::size_t shown_bytes_max = 120;
/// Orders that wait for one change.
constexpr std::size_t waiting_max = 64;
constexpr std::string_view blanks = " \t\r\n";

std::chrono::microseconds us(weight_change::clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

std::string in_quotes(std::string_view text) {
  auto shown = valid_utf8(cut(text, shown_bytes_max));
  return "'" + shown + (text.size() > shown_bytes_max ? "…'" : "'");
}

/// Why the output will not do; empty: it will.
std::string judge(const generation& result, const weight_order& order) {
  if (result.code != errc::unknown)
    return result.error.empty() ? "it ended with an error" : result.error;
  if (result.finish != schema::Finish::STOP && result.finish != schema::Finish::LENGTH)
    return "it did not come to its end";
  if (!result.weight_version.empty() && result.weight_version != order.version)
    return "it was made by weights " + in_quotes(result.weight_version);
  if (result.text.find_first_not_of(blanks) == std::string::npos) return "its output is empty";
  if (result.text.find(order.expected) == std::string::npos)
    return "its output " + in_quotes(result.text) + " does not contain " +
           in_quotes(order.expected);
  return {};
}

}  // namespace

schema::EnginePhase weight_change::phase() const {
  switch (stage_) {
    case stage::draining:
    case stage::pausing:
    case stage::cutting:
      return schema::EnginePhase::DRAINING;
    case stage::loading:
      return schema::EnginePhase::LOADING;
    case stage::flushing:
    case stage::clearing:
      return schema::EnginePhase::FLUSHING;
    default:
      return schema::EnginePhase::VERIFYING;
  }
}

weight_change::deeds weight_change::on_order(std::uint64_t ticket, const weight_order& order,
                                             const facts& at, clock::time_point now) {
  using schema::EnginePhase;
  using schema::OrderAction;
  now_ = now;
  if (order.epoch < epoch_) {
    answer(ticket, errc::conflict,
           "epoch " + std::to_string(order.epoch) + " is over, epoch " + std::to_string(epoch_) +
               " has given orders",
           EnginePhase::UNKNOWN);
    return finish(at);
  }
  epoch_ = order.epoch;
  switch (order.action) {
    case OrderAction::UPDATE:
      take_update(ticket, order, at);
      break;
    case OrderAction::HOLD:
      if (stage_ != stage::idle || failed_) {
        answer(ticket, errc::conflict, "it takes nothing: " + reason_, EnginePhase::UNKNOWN);
        break;
      }
      admission_ = admission::held;
      reason_ = "held: its weights are to be changed to " + in_quotes(order.version);
      answer(ticket, errc::unknown, {}, EnginePhase::WAITING);
      break;
    default:
      answer(ticket, errc::invalid_argument, "an engine knows hold and update",
             EnginePhase::UNKNOWN);
  }
  return finish(at);
}

void weight_change::take_update(std::uint64_t ticket, const weight_order& order, const facts& at) {
  using schema::EnginePhase;
  if (order.version.empty())
    return answer(ticket, errc::invalid_argument, "an update names a version",
                  EnginePhase::UNKNOWN);
  if (stage_ == stage::idle) {
    if (at.version == order.version && at.healthy && !failed_) {
      admission_ = admission::open;
      reason_.clear();
      return answer(ticket, errc::unknown, {}, EnginePhase::SERVING);
    }
    if (!at.abilities.fixed.empty())
      return answer(ticket, errc::invalid_argument, at.abilities.fixed, EnginePhase::UNKNOWN);
    return begin({order, {ticket}}, at);
  }
  auto* last = next_ ? &*next_ : &present_;
  // What has failed already is begun anew.
  auto is_open = next_ || stage_ != stage::undoing;
  if (is_open && last->order.version == order.version) {
    if (last->tickets.size() >= waiting_max)
      return answer(ticket, errc::overloaded, "too many wait for this change",
                    EnginePhase::UNKNOWN);
    last->order.epoch = order.epoch;
    last->tickets.push_back(ticket);
    return;
  }
  if (is_open && last->order.epoch == order.epoch)
    return answer(
        ticket, errc::conflict,
        "in this epoch it is on its way to " + in_quotes(last->order.version) + " already",
        EnginePhase::UNKNOWN);
  if (next_)
    answer(std::exchange(next_->tickets, {}),
           {.code = errc::conflict,
            .error = "epoch " + std::to_string(order.epoch) + " has taken over"});
  next_ = pending{order, {ticket}};
  overtake(at);
}

void weight_change::begin(pending next, const facts& at) {
  present_ = std::move(next);
  end_ = {};
  failed_ = false;
  flushed_again_ = false;
  paused_ = false;
  began_ = now_;
  admission_ = admission::closed;
  if (present_.order.load <= milliseconds::zero()) present_.order.load = load_default;
  auto to = " for weights " + in_quotes(present_.order.version);
  if (at.abilities.swaps_in_place || at.running == 0) return load();
  if (present_.order.pause && at.abilities.can_pause)
    return enter_step(stage::pausing, weight_step::pause, "pausing" + to, now_ + pause_limit);
  enter(stage::draining, "draining" + to, now_ + present_.order.drain);
}

void weight_change::enter(stage next, std::string reason, clock::time_point until) {
  stage_ = next;
  reason_ = std::move(reason);
  until_ = until;
  awaited_ = 0;
}

void weight_change::enter_step(stage next, weight_step step, const std::string& reason,
                               clock::time_point until) {
  enter(next, reason, until + step_grace);
  if (step == weight_step::pause || step == weight_step::load) needs_resume_ = true;
  awaited_ = ++numbers_;
  deed work{.what = deed::kind::step,
            .step = step,
            .target = {.version = present_.order.version,
                       .path = present_.order.path,
                       .timeout = std::max(std::chrono::duration_cast<milliseconds>(until - now_),
                                           milliseconds{1})},
            .number = awaited_};
  if (outstanding_ != 0) {
    due_ = std::move(work);
    return;
  }
  outstanding_ = awaited_;
  out_.push_back(std::move(work));
}

void weight_change::cut_off(stage next, bool all, const facts& at) {
  auto cut = all ? at.running : at.unmixed;
  end_.cut_off += static_cast<std::uint32_t>(cut);
  if (cut != 0) out_.push_back({.what = all ? deed::kind::cut_off : deed::kind::cut_off_unmixed});
  enter(next, "ending what still runs, for weights " + in_quotes(present_.order.version),
        now_ + cut_grace);
}

void weight_change::load() {
  end_.drain = us(now_ - began_);
  load_began_ = now_;
  serve_by_ = now_ + present_.order.load;
  enter_step(stage::loading, weight_step::load,
             "loading weights " + in_quotes(present_.order.version), serve_by_);
}

bool weight_change::advance(const facts& at) {
  switch (stage_) {
    case stage::draining:
      if (at.running != 0) return false;
      load();
      return true;
    case stage::cutting:
      if ((paused_ ? at.unmixed : at.running) != 0) return false;
      load();
      return true;
    case stage::clearing:
      if (at.running != 0) return false;
      enter_step(stage::flushing, weight_step::flush, "flushing its caches once more", serve_by_);
      return true;
    case stage::waking:
      if (!at.healthy) return false;
      enter(stage::generating,
            "verifying weights " + in_quotes(present_.order.version) + ": one generation",
            serve_by_ + step_grace);
      awaited_ = ++numbers_;
      out_.push_back({.what = deed::kind::generate,
                      .target = {.timeout = std::max(
                                     std::chrono::duration_cast<milliseconds>(serve_by_ - now_),
                                     milliseconds{1})},
                      .number = awaited_,
                      .text = present_.order.prompt});
      return true;
    default:
      return false;
  }
}

weight_change::deeds weight_change::on_step(std::uint64_t number, const weight_outcome& outcome,
                                            const facts& at, clock::time_point now) {
  now_ = now;
  if (number == 0 || number != outstanding_) return finish(at);
  outstanding_ = 0;
  if (due_) {
    outstanding_ = due_->number;
    out_.push_back(*std::exchange(due_, std::nullopt));
  }
  if (number != awaited_) return finish(at);
  awaited_ = 0;
  auto version = in_quotes(present_.order.version);
  if (stage_ == stage::undoing) {
    needs_resume_ = outcome.code != errc::unknown;
    conclude(end_, at);
  } else if (next_) {
    overtake(at);
  } else if (outcome.code != errc::unknown) {
    if (stage_ == stage::flushing && at.running != 0 && !std::exchange(flushed_again_, true) &&
        !at.abilities.swaps_in_place)
      cut_off(stage::clearing, true, at);
    else
      fail(outcome.error.empty() ? "failed" : outcome.error, outcome.code, at);
  } else if (stage_ == stage::pausing) {
    paused_ = true;
    cut_off(stage::cutting, false, at);
  } else if (stage_ == stage::loading) {
    enter_step(stage::flushing, weight_step::flush, "flushing its caches", serve_by_);
  } else if (stage_ == stage::flushing) {
    end_.load = us(now_ - load_began_);
    verify_began_ = now_;
    enter_step(stage::checking, weight_step::check, "verifying weights " + version, serve_by_);
  } else if (stage_ == stage::checking) {
    if (!outcome.version.empty() && outcome.version != present_.order.version)
      fail("it said success, and serves weights " + in_quotes(outcome.version) + " instead of " +
               version,
           errc::engine_failed, at);
    else
      enter_step(stage::resuming, weight_step::resume, "verifying weights " + version, serve_by_);
  } else if (stage_ == stage::resuming) {
    needs_resume_ = false;
    enter(stage::waking, "verifying weights " + version + ": waiting for its health", serve_by_);
  }
  return finish(at);
}

weight_change::deeds weight_change::on_generation(std::uint64_t number, const generation& result,
                                                  const facts& at, clock::time_point now) {
  now_ = now;
  if (stage_ != stage::generating || number != awaited_) return finish(at);
  awaited_ = 0;
  if (auto why = judge(result, present_.order); !why.empty())
    fail("its first generation: " + why, errc::engine_failed, at);
  else
    succeed();
  return finish(at);
}

weight_change::deeds weight_change::look(const facts& at, clock::time_point now) {
  now_ = now;
  return finish(at);
}

weight_change::deeds weight_change::finish(const facts& at) {
  // What ended just at its deadline has ended.
  while (stage_ != stage::idle && advance(at)) {
  }
  if (stage_ != stage::idle && now_ >= until_) run_out(at);
  return std::exchange(out_, {});
}

std::string weight_change::limit_text() const {
  return std::to_string(present_.order.load.count()) + " ms";
}

void weight_change::run_out(const facts& at) {
  switch (stage_) {
    case stage::draining:
      return cut_off(stage::cutting, true, at);
    case stage::cutting:
      out_.push_back({.what = deed::kind::forget});
      return load();
    case stage::clearing:
      return fail("its caches were not flushed, since what was cut off does not end",
                  errc::engine_failed, at);
    case stage::undoing:
      return conclude(end_, at);
    case stage::pausing:
      return fail("it has not paused within " + std::to_string(pause_limit.count()) + " ms",
                  errc::deadline_exceeded, at);
    case stage::waking:
      return fail("it was not healthy within " + limit_text() + " of the order to load",
                  errc::deadline_exceeded, at);
    case stage::generating:
      out_.push_back({.what = deed::kind::stop_generating});
      [[fallthrough]];
    default:
      return fail("not done within " + limit_text() + " of the order to load",
                  errc::deadline_exceeded, at);
  }
}

void weight_change::overtake(const facts& at) {
  switch (stage_) {
    case stage::generating:
      out_.push_back({.what = deed::kind::stop_generating});
      break;
    case stage::draining:
    case stage::cutting:
    case stage::clearing:
    case stage::waking:
      break;
    default:
      // A step of the backend: when it has ended.
      if (awaited_ != 0) return;
  }
  end_.phase = phase();
  end_.code = errc::conflict;
  end_.error = "epoch " + std::to_string(next_->order.epoch) + " has taken over";
  conclude(end_, at);
}

void weight_change::fail(std::string error, errc code, const facts& at) {
  end_.code = code;
  end_.phase = phase();
  end_.error = std::move(error);
  // Nothing is resumed while the backend is still at the step that has failed to end.
  auto undo = needs_resume_ && outstanding_ == 0;
  auto was_paused = std::exchange(paused_, false);
  if (was_paused && at.running != 0) {
    end_.cut_off += static_cast<std::uint32_t>(at.running);
    out_.push_back({.what = deed::kind::cut_off});
  }
  if (undo) return enter_step(stage::undoing, weight_step::resume, end_.error, now_ + resume_limit);
  conclude(end_, at);
}

void weight_change::succeed() {
  end_.phase = schema::EnginePhase::SERVING;
  end_.verify = us(now_ - verify_began_);
  admission_ = admission::open;
  reason_.clear();
  stage_ = stage::idle;
  answer(std::exchange(present_.tickets, {}), end_);
}

void weight_change::conclude(const ending& end, const facts& at) {
  constexpr std::string_view names[] = {"",         "waiting",   "draining", "loading",
                                        "flushing", "verifying", "serving"};
  auto name = names[std::min<std::size_t>(static_cast<std::size_t>(end.phase), 6)];
  stage_ = stage::idle;
  awaited_ = 0;
  due_.reset();
  failed_ = true;
  reason_ = "its change to weights " + in_quotes(present_.order.version) + " failed while " +
            std::string{name} + ": " + end.error;
  answer(std::exchange(present_.tickets, {}), end);
  if (next_) begin(*std::exchange(next_, std::nullopt), at);
}

void weight_change::answer(std::vector<std::uint64_t> tickets, const ending& end) {
  if (tickets.empty()) return;
  out_.push_back({.what = deed::kind::answer, .tickets = std::move(tickets), .end = end});
}

void weight_change::answer(std::uint64_t ticket, errc code, std::string error,
                           schema::EnginePhase phase) {
  answer({ticket}, {.code = code, .error = std::move(error), .phase = phase});
}

std::optional<weight_change::clock::time_point> weight_change::next_time() const {
  if (stage_ == stage::idle) return std::nullopt;
  return until_;
}

}  // namespace tandem
