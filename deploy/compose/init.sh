# The init step of docker-compose.yml, in the order in which `consentry preflight` names what is missing. It may run
# again at every start: what is there stays as it is.
set -eu
state=/var/lib/consentry
consentry() { command consentry "$@" -c /etc/consentry/consentry.yaml; }

[ -e "$state/keys" ] || consentry keys init
# Only the first time, when Redis is new for certain. Later a person must say that a changed store is right.
if [ ! -e "$state/accepted" ]; then
  consentry consent accept-epoch --yes
  touch "$state/accepted"
fi
consentry topics create
consentry schema publish
# The carrier's side: raw topics, their schemas, events and consents of people who do not exist.
if [ ! -e "$state/simulated" ]; then
  consentry simulate --events 20000 --subscribers 1000 --consents
  touch "$state/simulated"
fi
consentry offsets init --at beginning
consentry preflight
