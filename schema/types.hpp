#pragma once

// Every message type that CAF carries, with its number. A type that is missing here works within a
// process and is lost on the wire, so a test sends each through the serializer. Names travel as
// text in every message: keep them short. Append only: numbers are the wire format.

#include <caf/type_id.hpp>

#include "schema/attempt.capnp.h"
#include "schema/cache.capnp.h"
#include "schema/cluster.capnp.h"
#include "schema/cost.capnp.h"
#include "schema/decision.capnp.h"
#include "schema/engine.capnp.h"
#include "schema/exchange.capnp.h"
#include "schema/front.capnp.h"
#include "schema/gateway.capnp.h"
#include "schema/job.capnp.h"
#include "schema/message.hpp"
#include "schema/replication.capnp.h"
#include "schema/routing.capnp.h"
#include "schema/topology.capnp.h"
#include "schema/weights.capnp.h"

namespace tmsg {

using submit = tandem::message<tandem::schema::Submit>;
using submitd = tandem::message<tandem::schema::Submitted>;
using jobref = tandem::message<tandem::schema::JobRef>;
using jobsum = tandem::message<tandem::schema::JobSummary>;
using jobqry = tandem::message<tandem::schema::JobQuery>;
using joblist = tandem::message<tandem::schema::JobList>;
using jobview = tandem::message<tandem::schema::JobView>;
using follow = tandem::message<tandem::schema::Follow>;
using events = tandem::message<tandem::schema::JobEvents>;
using resqry = tandem::message<tandem::schema::ResultQuery>;
using reschnk = tandem::message<tandem::schema::ResultChunk>;
using jobcmd = tandem::message<tandem::schema::JobCommand>;
using purge = tandem::message<tandem::schema::Purge>;
using purged = tandem::message<tandem::schema::Purged>;
using feedbk = tandem::message<tandem::schema::Feedback>;
using attempt = tandem::message<tandem::schema::Attempt>;
using chunk = tandem::message<tandem::schema::TextChunk>;
using attres = tandem::message<tandem::schema::AttemptResult>;
using cancel = tandem::message<tandem::schema::Cancel>;
using rtqry = tandem::message<tandem::schema::RouteQuery>;
using decisn = tandem::message<tandem::schema::Decision>;
using reward = tandem::message<tandem::schema::Reward>;
using engstat = tandem::message<tandem::schema::EngineStatus>;
using actstat = tandem::message<tandem::schema::ActorStatus>;
using nodstat = tandem::message<tandem::schema::NodeStatus>;
using topo = tandem::message<tandem::schema::Topology>;
using engqry = tandem::message<tandem::schema::EngineQuery>;
using engrep = tandem::message<tandem::schema::EngineReport>;
using member = tandem::message<tandem::schema::Member>;
using hello = tandem::message<tandem::schema::Hello>;
using pulse = tandem::message<tandem::schema::Pulse>;
using memlist = tandem::message<tandem::schema::MemberList>;
using offer = tandem::message<tandem::schema::Offer>;
using work = tandem::message<tandem::schema::Work>;
using workchnk = tandem::message<tandem::schema::WorkChunk>;
using workres = tandem::message<tandem::schema::WorkResult>;
using workcncl = tandem::message<tandem::schema::WorkCancel>;
using piece = tandem::message<tandem::schema::Piece>;
using receipt = tandem::message<tandem::schema::Receipt>;
using repwrite = tandem::message<tandem::schema::ReplicaWrite>;
using repack = tandem::message<tandem::schema::ReplicaAck>;
using repqry = tandem::message<tandem::schema::ReplicaQuery>;
using repchnk = tandem::message<tandem::schema::ReplicaChunk>;
using drainqry = tandem::message<tandem::schema::DrainQuery>;
using engcmd = tandem::message<tandem::schema::EngineCommand>;
using keyqry = tandem::message<tandem::schema::KeyQuery>;
using keyrep = tandem::message<tandem::schema::KeyReply>;
using armstat = tandem::message<tandem::schema::ArmStatistics>;
using rtset = tandem::message<tandem::schema::RouteSetting>;
using rtcmd = tandem::message<tandem::schema::RouteCommand>;
using rtrep = tandem::message<tandem::schema::RouteReport>;
using decrec = tandem::message<tandem::schema::DecisionRecord>;
using rtchg = tandem::message<tandem::schema::RouteChange>;
using cachqry = tandem::message<tandem::schema::CacheQuery>;
using cachrep = tandem::message<tandem::schema::CacheReply>;
using cachent = tandem::message<tandem::schema::CacheEntry>;
using cachlv = tandem::message<tandem::schema::CacheLeave>;
using cachprg = tandem::message<tandem::schema::CachePurge>;
using cachcmd = tandem::message<tandem::schema::CacheCommand>;
using cachrpt = tandem::message<tandem::schema::CacheReport>;
using planlbl = tandem::message<tandem::schema::PlanLabel>;
using wtcmd = tandem::message<tandem::schema::WeightCommand>;
using wtrep = tandem::message<tandem::schema::WeightReport>;
using wtnews = tandem::message<tandem::schema::WeightNews>;
using wtorder = tandem::message<tandem::schema::WeightOrder>;
using wtoutcm = tandem::message<tandem::schema::WeightOutcome>;
using wtpin = tandem::message<tandem::schema::WeightPin>;
using engupd = tandem::message<tandem::schema::EngineUpdate>;
using engupdd = tandem::message<tandem::schema::EngineUpdated>;
using keycmd = tandem::message<tandem::schema::KeyCommand>;
using keyrpt = tandem::message<tandem::schema::KeyReport>;
using keynews = tandem::message<tandem::schema::KeyNews>;
using costqry = tandem::message<tandem::schema::CostQuery>;
using costrep = tandem::message<tandem::schema::CostReport>;

}  // namespace tmsg

CAF_BEGIN_TYPE_ID_BLOCK(tandem_messages, 200)
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::submit))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::submitd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::jobref))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::jobsum))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::jobqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::joblist))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::jobview))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::follow))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::events))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::resqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::reschnk))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::jobcmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::purge))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::purged))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::feedbk))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::attempt))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::chunk))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::attres))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cancel))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::rtqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::decisn))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::reward))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engstat))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::actstat))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::nodstat))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::topo))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engrep))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::member))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::hello))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::pulse))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::memlist))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::offer))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::work))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::workchnk))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::workres))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::workcncl))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::piece))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::receipt))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::repwrite))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::repack))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::repqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::repchnk))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::drainqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engcmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::keyqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::keyrep))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::armstat))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::rtset))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::rtcmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::rtrep))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::decrec))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::rtchg))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachrep))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachent))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachlv))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachprg))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachcmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::cachrpt))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::planlbl))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtcmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtrep))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtnews))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtorder))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtoutcm))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::wtpin))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engupd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::engupdd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::keycmd))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::keyrpt))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::keynews))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::costqry))
CAF_ADD_TYPE_ID(tandem_messages, (tmsg::costrep))
CAF_END_TYPE_ID_BLOCK(tandem_messages)
