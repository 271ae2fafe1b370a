#include "nodes/web/submit_request.hpp"

#include <string>

namespace tandem {

tmsg::submit make_submit(const web_call& call, const std::vector<client_turn>& turns,
                         const tandem_options& options, const trace_context& trace) {
  message_builder<schema::Submit> out;
  out->setClientKey(options.client_key.empty() ? std::string{call.request.find("idempotency-key")}
                                               : options.client_key);
  out->setTenant(call.caller->tenant);
  auto list = out->initMessages(static_cast<unsigned>(turns.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setRole(turns[i].role);
    list[i].setContent(turns[i].text);
  }
  out->setMode(options.mode);
  out->setTimeoutMs(options.timeout_ms);
  out->setPriority(static_cast<std::int8_t>(call.caller->priority(options.priority)));
  auto tags = out->initTags(static_cast<unsigned>(options.tags.size()));
  for (unsigned i = 0; i < tags.size(); ++i) tags.set(i, options.tags[i]);
  out->getBudget().setTokens(options.budget_tokens);
  out->getBudget().setCostNanousd(options.budget_nanousd);
  out->getCheck().setKind(options.check_kind);
  out->getCheck().setArgument(options.check_argument);
  out->setCache(options.cache);
  out->setSession(options.session);
  out->setWeights(options.weights);
  if (trace.is_set()) write_trace(out->initTrace(), trace);
  return out.finish();
}

}  // namespace tandem
