// One weight version of a model for one job: attempts that are in flight together, before any of
// them has told their job which one that is.

#include <algorithm>

#include "actors/executor_pool/executor_pool.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

job_pins::job job_of(schema::Attempt::Reader call) {
  auto job = call.getFence().getJob();
  return {job.getJournal(), job.getNumber()};
}

/// What nobody's job is made from may use what there is.
bool has_pins(schema::Attempt::Reader call) {
  return call.getFence().getAttempt() < refresh_bit && call.getPurpose() != schema::Purpose::WARM &&
         call.getPurpose() != schema::Purpose::WAY;
}

std::string_view pin_in(capnp::List<schema::PinnedVersion>::Reader pins, std::string_view model) {
  for (auto pin : pins)
    if (view(pin.getModel()) == model) return view(pin.getWeightVersion());
  return {};
}

}  // namespace

void executor_pool_state::write_pins(schema::RouteQuery::Builder query, const work& of) const {
  const auto& call = of.call.read();
  query.setMixWeights(call->getMixWeights());
  auto own = call->getPinnedVersions();
  auto held = of.pinned_for ? pins.of(*of.pinned_for) : std::span<const job_pins::pin>{};
  auto adds = [&](const job_pins::pin& pin) { return pin_in(own, pin.model).empty(); };
  auto more = static_cast<unsigned>(std::count_if(held.begin(), held.end(), adds));
  if (own.size() + more == 0) return;
  auto list = query.initPinnedVersions(own.size() + more);
  for (unsigned i = 0; i < own.size(); ++i) list.setWithCaveats(i, own[i]);
  auto place = own.size();
  for (const auto& pin : held) {
    if (!adds(pin)) continue;
    list[place].setModel(pin.model);
    list[place++].setWeightVersion(pin.version);
  }
}

bool executor_pool_state::take_pin(work& of, schema::RouteQuery::Reader query,
                                   schema::Decision::Reader made) {
  const auto& call = of.call.read();
  auto model = view(made.getModel());
  auto version = view(made.getWeightVersion());
  if (version.empty() || !of.pinned_for) return true;
  const auto& job = *of.pinned_for;
  auto pin = pin_in(call->getPinnedVersions(), model);
  if (pin.empty()) pin = pins.find(job, model);
  // A router that was asked for it, and may mix, knew that nothing serves it.
  auto mixes = call->getMixWeights() && pin_in(query.getPinnedVersions(), model) == pin;
  if (!pin.empty() && pin != version && !mixes) return false;
  for (const auto& hold : of.holds)
    if (hold.model == model && hold.at == of.at) return true;
  pins.hold(job, model, version);
  of.holds.push_back({std::string{model}, of.at});
  return true;
}

tmsg::wtoutcm executor_pool_state::count_pins(schema::WeightPin::Reader question) const {
  auto found = pins.count(view(question.getModel()));
  message_builder<schema::WeightOutcome> out;
  auto list = out->initPins(static_cast<unsigned>(found.size()));
  unsigned place = 0;
  for (const auto& [version, jobs] : found) {
    list[place].setVersion(version);
    list[place++].setJobs(jobs);
  }
  return out.finish();
}

void executor_pool_state::enter_pins(work& of) {
  const auto& attempt = of.attempt.read();
  if (!has_pins(*attempt)) return;
  of.pinned_for = job_of(*attempt);
  pins.enter(*of.pinned_for);
}

void executor_pool_state::leave_pins(work& of, schema::AttemptResult::Reader result) {
  auto code = result.getError().getCode();
  auto used = code != schema::Errc::OVERLOADED && code != schema::Errc::UNAVAILABLE &&
              code != schema::Errc::CANCELLED;
  for (auto at : {stage::answering, stage::judging}) release_pins(of, at, used);
  if (of.pinned_for) pins.leave(*of.pinned_for);
}

void executor_pool_state::release_pins(work& of, stage at, bool used) {
  std::erase_if(of.holds, [&](const work::hold& hold) {
    if (hold.at != at) return false;
    pins.release(*of.pinned_for, hold.model, used);
    return true;
  });
}

}  // namespace tandem
