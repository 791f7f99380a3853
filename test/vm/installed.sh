# Runs in the guest, as root: the packages of /mnt/ro/rpm installed, the agent's unit given too little memory, then denied
# its spool by SELinux, then left alone. Writes what systemd and the journal say of each to /mnt/out. Nothing is judged here.
set -eu
unit=nodeseal-agent
drop=/etc/systemd/system/$unit.service.d
spool=/var/lib/nodeseal/agent/spool
said() {
  systemctl show -p StatusText -p Result -p SubState -p RestartUSec -p MemoryMax $unit >"/mnt/out/$1.show"
  journalctl -u $unit -o cat --no-pager >"/mnt/out/$1.journal"
}
settled() { # until systemd waits with the restart
  until [ "$(systemctl show --value -p SubState $unit)" = auto-restart ]; do sleep 0.2; done
  systemd-run --quiet --wait true # the journal has caught up
}

rpm -i --nodeps /mnt/ro/rpm/*.rpm
# As RHEL's rpm does by itself.
restorecon -R /usr/lib/nodeseal /etc/nodeseal
mkdir -p $drop
# The machine is emulated.
printf '[Service]\nTimeoutStartSec=infinity\nTimeoutStopSec=60\nWatchdogSec=0\n' >$drop/lab.conf
systemctl daemon-reload
systemctl start $unit
said first
systemctl stop $unit

echo 'setTimeout(() => { globalThis.kept = Buffer.alloc(4e8, 1); }, 100);' >/etc/nodeseal/greedy.mjs
printf '[Service]\nEnvironment=NODE_OPTIONS=--import=/etc/nodeseal/greedy.mjs\n' >$drop/test.conf
systemctl daemon-reload
systemctl start $unit || :
settled
said memory
systemctl stop $unit
rm $drop/test.conf
systemctl daemon-reload

# A type that no file may have: not even who is unconfined may touch it.
setenforce 0
chcon -R -t http_port_t $spool
setenforce 1
systemctl start $unit || :
settled
said denied
systemctl stop $unit
setenforce 0
restorecon -RF $spool
setenforce 1

systemctl start $unit
said last
ls $spool >/mnt/out/spool
systemctl stop $unit
