// Makes what stands around a server with gophercloud, then a server, and takes all of it away.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	volumequotas "github.com/gophercloud/gophercloud/openstack/blockstorage/extensions/quotasets"
	"github.com/gophercloud/gophercloud/openstack/blockstorage/extensions/volumeactions"
	"github.com/gophercloud/gophercloud/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/openstack/blockstorage/v3/volumetypes"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/attachinterfaces"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/bootfromvolume"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/keypairs"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/quotasets"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/schedulerhints"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/servergroups"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/services"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/startstop"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/extensions/volumeattach"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/openstack/imageservice/v2/imagedata"
	"github.com/gophercloud/gophercloud/openstack/imageservice/v2/images"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/layer3/routers"
	networkquotas "github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/subnets"
)

var done int

// must ends the program with an error, which names the call, and returns the value without one.
func must(what string, out []reflect.Value) reflect.Value {
	err := out[len(out)-1].Interface()
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", what, err)
		os.Exit(1)
	}
	done++
	return out[0]
}

// get calls a function with one value and an error, such as Extract of a result.
func get(what string, extract interface{}) interface{} {
	return must(what, reflect.ValueOf(extract).Call(nil)).Interface()
}

func ok(what string, err error) {
	must(what, []reflect.Value{reflect.ValueOf(&err).Elem()})
}

// refused wants an error with that status, or any if it is 0.
func refused(what string, err error, status string) {
	if err == nil || !strings.Contains(err.Error(), status) {
		fmt.Printf("FAIL %s is not refused with %s: %v\n", what, status, err)
		os.Exit(1)
	}
	done++
}

// until waits for a volume to have a status.
func until(block *gophercloud.ServiceClient, id, status string) {
	for tries := 0; tries < 600; tries++ {
		volume, err := volumes.Get(block, id).Extract()
		if err == nil && volume.Status == status {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Printf("FAIL volume %s is not %s\n", id, status)
	os.Exit(1)
}

func main() {
	provider, err := openstack.AuthenticatedClient(gophercloud.AuthOptions{
		IdentityEndpoint: os.Args[1], Username: "admin", Password: "x", DomainName: "Default", TenantName: "demo"})
	ok("login", err)
	at := gophercloud.EndpointOpts{Region: "RegionOne"}
	compute := get("compute", func() (*gophercloud.ServiceClient, error) { return openstack.NewComputeV2(provider, at) }).(*gophercloud.ServiceClient)
	network := get("network", func() (*gophercloud.ServiceClient, error) { return openstack.NewNetworkV2(provider, at) }).(*gophercloud.ServiceClient)
	block := get("block", func() (*gophercloud.ServiceClient, error) { return openstack.NewBlockStorageV3(provider, at) }).(*gophercloud.ServiceClient)
	image := get("image", func() (*gophercloud.ServiceClient, error) { return openstack.NewImageServiceV2(provider, at) }).(*gophercloud.ServiceClient)
	identity := get("identity", func() (*gophercloud.ServiceClient, error) { return openstack.NewIdentityV3(provider, at) }).(*gophercloud.ServiceClient)

	project := get("project", projects.Create(identity, projects.CreateOpts{Name: "gopher"}).Extract).(*projects.Project)
	up := true
	lan := get("network", networks.Create(network, networks.CreateOpts{Name: "lan", AdminStateUp: &up}).Extract).(*networks.Network)
	ok("tag", attributestags.Add(network, "networks", lan.ID, "mine").ExtractErr())
	subnet := get("subnet", subnets.Create(network, subnets.CreateOpts{NetworkID: lan.ID, Name: "lan4", CIDR: "10.80.0.0/24", IPVersion: 4}).Extract).(*subnets.Subnet)
	pages, err := networks.List(network, networks.ListOpts{Name: "public"}).AllPages()
	ok("list networks", err)
	outside, err := networks.ExtractNetworks(pages)
	ok("networks", err)
	router := get("router", routers.Create(network, routers.CreateOpts{Name: "gate", GatewayInfo: &routers.GatewayInfo{NetworkID: outside[0].ID}}).Extract).(*routers.Router)
	get("interface", routers.AddInterface(network, router.ID, routers.AddInterfaceOpts{SubnetID: subnet.ID}).Extract)
	refused("network in use", networks.Delete(network, lan.ID).ExtractErr(), "409")
	group := get("group", groups.Create(network, groups.CreateOpts{Name: "web"}).Extract).(*groups.SecGroup)
	ssh := rules.CreateOpts{SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP, PortRangeMin: 22, PortRangeMax: 22}
	get("rule", rules.Create(network, ssh).Extract)
	_, err = rules.Create(network, ssh).Extract()
	refused("the same rule", err, "")
	groupIDs := []string{group.ID}
	port := get("port", ports.Create(network, ports.CreateOpts{NetworkID: lan.ID, Name: "p", SecurityGroups: &groupIDs}).Extract).(*ports.Port)
	floating := get("floating", floatingips.Create(network, floatingips.CreateOpts{FloatingNetworkID: outside[0].ID}).Extract).(*floatingips.FloatingIP)
	seven := 7
	get("network quota", networkquotas.Update(network, project.ID, networkquotas.UpdateOpts{Network: &seven}).Extract)
	get("compute quota", quotasets.Update(compute, project.ID, quotasets.UpdateOpts{Instances: &seven}).Extract)
	get("volume quota", volumequotas.Update(block, project.ID, volumequotas.UpdateOpts{Volumes: &seven}).Extract)

	key := get("key", keypairs.Create(compute, keypairs.CreateOpts{Name: "k", PublicKey: "ssh-rsa AAAA"}).Extract).(*keypairs.KeyPair)
	apart := get("server group", servergroups.Create(compute, servergroups.CreateOpts{Name: "apart", Policies: []string{"anti-affinity"}}).Extract).(*servergroups.ServerGroup)
	disk := 3
	flavor := get("flavor", flavors.Create(compute, flavors.CreateOpts{Name: "go", RAM: 512, VCPUs: 1, Disk: &disk}).Extract).(*flavors.Flavor)
	get("specs", flavors.CreateExtraSpecs(compute, flavor.ID, flavors.ExtraSpecsOpts{"hw:a": "b"}).Extract)
	own := get("image", images.Create(image, images.CreateOpts{Name: "own", ContainerFormat: "bare", DiskFormat: "raw"}).Extract).(*images.Image)
	ok("upload", imagedata.Upload(image, own.ID, strings.NewReader("content")).ExtractErr())
	kind := get("volume type", volumetypes.Create(block, volumetypes.CreateOpts{Name: "go"}).Extract).(*volumetypes.VolumeType)
	data := get("volume", volumes.Create(block, volumes.CreateOpts{Size: 1, Name: "data", VolumeType: kind.Name}).Extract).(*volumes.Volume)
	until(block, data.ID, "available")
	snapshot := get("snapshot", snapshots.Create(block, snapshots.CreateOpts{VolumeID: data.ID, Name: "s"}).Extract).(*snapshots.Snapshot)
	refused("volume with snapshots", volumes.Delete(block, data.ID, nil).ExtractErr(), "")
	ok("delete snapshot", snapshots.Delete(block, snapshot.ID).ExtractErr())
	ok("extend", volumeactions.ExtendSize(block, data.ID, volumeactions.ExtendSizeOpts{NewSize: 2}).ExtractErr())
	until(block, data.ID, "available")

	plain := servers.CreateOpts{Name: "one", ImageRef: own.ID, FlavorRef: flavor.ID, Networks: []servers.Network{{Port: port.ID}}}
	server := get("server", servers.Create(compute, schedulerhints.CreateOptsExt{
		CreateOptsBuilder: keypairs.CreateOptsExt{CreateOptsBuilder: plain, KeyName: key.Name},
		SchedulerHints:    schedulerhints.SchedulerHints{Group: apart.ID}}).Extract).(*servers.Server)
	ok("active", servers.WaitForStatus(compute, server.ID, "ACTIVE", 60))
	get("associate", floatingips.Update(network, floating.ID, floatingips.UpdateOpts{PortID: &port.ID}).Extract)
	get("attach", volumeattach.Create(compute, server.ID, volumeattach.CreateOpts{VolumeID: data.ID}).Extract)
	until(block, data.ID, "in-use")
	refused("volume in use", volumes.Delete(block, data.ID, nil).ExtractErr(), "")
	second := get("attach port", attachinterfaces.Create(compute, server.ID, attachinterfaces.CreateOpts{NetworkID: outside[0].ID}).Extract).(*attachinterfaces.Interface)
	ok("detach port", attachinterfaces.Delete(compute, server.ID, second.PortID).ExtractErr())
	get("image of server", servers.CreateImage(compute, server.ID, servers.CreateImageOpts{Name: "copy"}).ExtractImageID)
	ok("active again", servers.WaitForStatus(compute, server.ID, "ACTIVE", 60))
	ok("stop", startstop.Stop(compute, server.ID).ExtractErr())
	ok("stopped", servers.WaitForStatus(compute, server.ID, "SHUTOFF", 60))
	booted := get("boot from volume", servers.Create(compute, bootfromvolume.CreateOptsExt{
		CreateOptsBuilder: servers.CreateOpts{Name: "two", FlavorRef: flavor.ID, Networks: []servers.Network{{UUID: lan.ID}}},
		BlockDevice: []bootfromvolume.BlockDevice{{UUID: own.ID, SourceType: bootfromvolume.SourceImage, VolumeSize: 2,
			DestinationType: bootfromvolume.DestinationVolume, DeleteOnTermination: true}}}).Extract).(*servers.Server)
	ok("booted", servers.WaitForStatus(compute, booted.ID, "ACTIVE", 60))
	compute.Microversion = "2.53"
	pages, err = services.List(compute, services.ListOpts{}).AllPages()
	ok("list services", err)
	hosts, err := services.ExtractServices(pages)
	ok("services", err)
	get("disable", services.Update(compute, hosts[0].ID, services.UpdateOpts{Status: services.ServiceDisabled}).Extract)
	get("enable", services.Update(compute, hosts[0].ID, services.UpdateOpts{Status: services.ServiceEnabled}).Extract)
	compute.Microversion = ""

	ok("detach", volumeattach.Delete(compute, server.ID, data.ID).ExtractErr())
	until(block, data.ID, "available")
	for _, id := range []string{server.ID, booted.ID} {
		ok("delete server", servers.Delete(compute, id).ExtractErr())
		for tries := 0; ; tries++ {
			if _, err = servers.Get(compute, id).Extract(); err != nil || tries > 600 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		refused("server "+id, err, "")
	}
	ok("delete volume", volumes.Delete(block, data.ID, nil).ExtractErr())
	ok("delete floating", floatingips.Delete(network, floating.ID).ExtractErr())
	ok("delete port", ports.Delete(network, port.ID).ExtractErr())
	get("remove interface", routers.RemoveInterface(network, router.ID, routers.RemoveInterfaceOpts{SubnetID: subnet.ID}).Extract)
	ok("delete router", routers.Delete(network, router.ID).ExtractErr())
	ok("delete network", networks.Delete(network, lan.ID).ExtractErr())
	ok("delete group", groups.Delete(network, group.ID).ExtractErr())
	ok("delete server group", servergroups.Delete(compute, apart.ID).ExtractErr())
	ok("delete key", keypairs.Delete(compute, key.Name).ExtractErr())
	ok("delete flavor", flavors.Delete(compute, flavor.ID).ExtractErr())
	ok("delete image", images.Delete(image, own.ID).ExtractErr())
	fmt.Printf("%d calls\n", done)
}
