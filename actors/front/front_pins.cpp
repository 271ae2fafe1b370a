// How many running jobs of this node stay with which weight version: of all journals that are open
// here.

#include <map>
#include <memory>
#include <string>

#include "actors/front/front.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// One question, on its way to several planners.
struct pin_count {
  std::map<std::string, std::uint64_t> jobs;
  std::size_t missing = 0;
  caf::typed_response_promise<tmsg::wtoutcm> promise;

  void finish() {
    message_builder<schema::WeightOutcome> out;
    auto list = out->initPins(static_cast<unsigned>(jobs.size()));
    unsigned place = 0;
    for (const auto& [version, count] : jobs) {
      list[place].setVersion(version);
      list[place++].setJobs(count);
    }
    promise.deliver(out.finish());
  }
};

}  // namespace

caf::result<tmsg::wtoutcm> front_state::count_pins(pointer self, const tmsg::wtpin& question) {
  auto count = std::make_shared<pin_count>();
  count->promise = self->make_response_promise<tmsg::wtoutcm>();
  auto promise = count->promise;
  count->missing = planners.size();
  if (planners.empty()) count->finish();
  for (const auto& [journal, planner] : planners) {
    self->request(planner, caf::infinite, pin_atom_v, question)
        .then(
            [count](const tmsg::wtoutcm& part) {
              auto reader = part.read();
              for (auto pin : reader->getPins())
                count->jobs[std::string{view(pin.getVersion())}] += pin.getJobs();
              if (--count->missing == 0 && count->promise.pending()) count->finish();
            },
            // A part of the jobs is no count.
            [count](const caf::error& err) {
              if (count->promise.pending()) count->promise.deliver(err);
            });
  }
  return promise;
}

}  // namespace tandem
