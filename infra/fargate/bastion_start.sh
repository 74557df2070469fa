# Runs as root at the first boot, by cloud-init, after lines that set region, bucket and domain. What it says is in
# /var/log/cloud-init-output.log. A way in comes first, so that whatever fails later can be looked at.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o DPkg::Lock::Timeout=300"

$apt update
$apt install --yes --no-install-recommends ca-certificates curl

# Debian's machine image comes without the agent ("Manually installing SSM Agent on Debian Server": AWS Systems Manager
# user guide).
agent=$(mktemp --suffix=.deb)
curl --fail --silent --show-error --location --retry 5 --output "$agent" \
    "https://s3.$region.$domain/amazon-ssm-$region/latest/debian_arm64/amazon-ssm-agent.deb"
dpkg --install "$agent"
rm "$agent"
systemctl enable --now amazon-ssm-agent

cat >/usr/local/bin/sociometer-bastion <<END
#!/bin/sh
# Takes the checkout out of the exchange bucket, sets it up, and runs sociometer with the words that follow; without
# any it starts a shell in which that command is found.
set -eu
echo "Waiting until this machine is set up ..." >&2
cloud-init status --wait >/dev/null || { echo "That failed: see /var/log/cloud-init-output.log" >&2; exit 1; }
mkdir -p /opt/sociometer
aws s3 cp --only-show-errors --region $region s3://$bucket/sociometer.tar.gz /opt/sociometer.tar.gz
tar --extract --gzip --file /opt/sociometer.tar.gz --directory /opt/sociometer
cd /opt/sociometer
make tools
PATH=/opt/sociometer/.venv/bin:\$PATH
export PATH
test \$# = 0 || exec sociometer "\$@"
echo "The role of this machine may only fill the repositories. Log in with 'aws configure' or 'aws configure sso', then:" >&2
echo "    export PULUMI_BACKEND_URL=s3://<the bucket of your state>" >&2
echo "    sociometer up --target fargate" >&2
exec bash
END
chmod 755 /usr/local/bin/sociometer-bastion

# Building the tools takes more memory than the machine has.
if ! test -e /swapfile; then
    fallocate --length 4GiB /swapfile
    chmod 600 /swapfile
    mkswap /swapfile
    echo "/swapfile none swap sw 0 0" >>/etc/fstab
fi
swapon --all

$apt install --yes --no-install-recommends awscli docker.io git make python3 python3-venv
systemctl enable --now docker
