#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "actors/client/client.hpp"

namespace tandem::test {

[[nodiscard]] tmsg::wtcmd weight_command(schema::WeightAction action, const std::string& model,
                                         const std::string& version = {},
                                         const std::string& path = {});
/// Throws with the node's reason.
tmsg::wtrep tell(client& to, const tmsg::wtcmd& command);
/// The code that the node refuses it with; `unknown`: it does not.
[[nodiscard]] errc refusal(client& to, const tmsg::wtcmd& command, std::string* why = nullptr);

struct roll_state {
  std::string phase;
  std::string reason;
  std::string coordinator;
  /// `engine@node version phase`
  std::vector<std::string> engines;
  bool over = false;
};
/// Of the newest update of the model; phase empty: there was none.
[[nodiscard]] roll_state roll_of(client& at, const std::string& model);
/// Until it is over; as it is then, or at the end of `limit`.
roll_state wait_roll(client& at, const std::string& model, std::chrono::seconds limit);

/// `engine@node` -> version, of all living engines of a model, as one node's topology says.
[[nodiscard]] std::vector<std::string> versions_of(client& at, const std::string& model);

}  // namespace tandem::test
