// Submits a goal to a Tandem node, shows what happens to it, prints the answer and what it cost.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string_view>

#include "actors/client/client.hpp"
#include "schema/text.hpp"

namespace {

int fail(const caf::error& err) {
  std::cerr << "submit: " << tandem::message_of(err) << '\n';
  return EXIT_FAILURE;
}

bool show(tandem::schema::JobEvent::Reader event) {
  if (event.isSteps())
    for (auto step : event.getSteps())
      std::cout << "step " << step.getStep() << ": " << tandem::view(step.getPrompt()) << " -> "
                << (step.getResult().size() == 0 ? "..." : tandem::view(step.getResult())) << '\n';
  if (event.isAttemptFailed())
    std::cout << "failed: " << tandem::view(event.getAttemptFailed().getError().getMessage())
              << '\n';
  return true;  // go on following
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || std::string_view{argv[1]} == "--help") {
    std::cout << "Usage: submit HOST PORT TLS_FOLDER GOAL\n"
                 "TLS_FOLDER: `tls` in the node's data folder, or one made by `tandem certs`.\n";
    return argc == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  std::filesystem::path tls{argv[3]};
  auto client = tandem::client::connect(
      {.host = argv[1],
       .port = static_cast<std::uint16_t>(std::atoi(argv[2])),
       .tls = {
           .certificate = tls / "client.pem", .key = tls / "client.key", .ca = tls / "ca.pem"}});
  if (!client) return fail(client.error());

  auto job = client->submit({.goal = argv[4]});
  if (!job) return fail(job.error());
  std::cout << "job " << tandem::to_string(*job) << '\n';
  if (auto err = client->follow(*job, 0, show)) return fail(err);

  auto answer = client->result(*job);
  if (!answer) return fail(answer.error());
  auto end = client->summary(*job);
  if (!end) return fail(end.error());
  auto summary = end->read();
  auto usage = summary->getUsage();
  std::cout << "answer: " << *answer << "\ncost: " << usage.getCostNanousd()
            << " nano-USD; the same tokens at the large model's prices: "
            << usage.getCostAllLargeNanousd() << '\n';
}
