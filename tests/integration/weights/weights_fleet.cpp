#include "tests/integration/weights/weights_fleet.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "actors/weight_sync/roll_record.hpp"
#include "schema/text.hpp"

namespace tandem::test {

using namespace std::chrono_literals;

tmsg::wtcmd weight_command(schema::WeightAction action, const std::string& model,
                           const std::string& version, const std::string& path) {
  message_builder<schema::WeightCommand> out;
  out->setAction(action);
  out->setModel(model);
  out->setVersion(version);
  out->setPath(path);
  return out.finish();
}

tmsg::wtrep tell(client& to, const tmsg::wtcmd& command) {
  auto reply = to.weights(command, 60s);
  if (!reply) throw std::runtime_error{message_of(reply.error())};
  return *reply;
}

errc refusal(client& to, const tmsg::wtcmd& command, std::string* why) {
  auto reply = to.weights(command, 60s);
  if (reply) return errc::unknown;
  if (why != nullptr) *why = message_of(reply.error());
  return code_of(reply.error());
}

roll_state roll_of(client& at, const std::string& model) {
  auto report = tell(at, weight_command(schema::WeightAction::STATUS, model));
  auto reader = report.read();
  roll_state out;
  if (reader->getRolls().size() == 0) return out;
  auto roll = read_roll(reader->getRolls()[0]);
  out.phase = to_string(roll.phase);
  out.reason = roll.reason;
  out.coordinator = roll.coordinator;
  out.over = roll.is_over();
  for (const auto& each : roll.engines)
    out.engines.push_back(each.name + "@" + each.node + " " + each.version + " " +
                          to_string(each.phase));
  return out;
}

roll_state wait_roll(client& at, const std::string& model, std::chrono::seconds limit) {
  auto until = std::chrono::steady_clock::now() + limit;
  std::uint64_t seen = 0;
  while (std::chrono::steady_clock::now() < until) {
    message_builder<schema::WeightCommand> ask;
    ask->setAction(schema::WeightAction::STATUS);
    ask->setModel(model);
    ask->setSequence(seen);
    ask->setWaitMs(500);
    auto report = tell(at, ask.finish());
    auto reader = report.read();
    seen = reader->getSequence();
    auto rolls = reader->getRolls();
    if (rolls.size() != 0 && read_roll(rolls[0]).is_over()) break;
  }
  return roll_of(at, model);
}

std::vector<std::string> versions_of(client& at, const std::string& model) {
  std::vector<std::string> out;
  auto topology = at.topology();
  if (!topology) return out;
  auto reader = topology->read();
  for (auto node : reader->getNodes())
    for (auto engine : node.getEngines())
      if (view(engine.getModel()) == model)
        out.push_back(std::string{view(engine.getName())} + "@" +
                      std::string{view(node.getName())} + " " +
                      std::string{view(engine.getWeightVersion())});
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace tandem::test
