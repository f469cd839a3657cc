package messaging

import (
	"slices"

	"syncro/internal/faults"
)

// choice is the number that a message goes out by, or why there is none: a
// problem with a field, or a reason to skip.
type choice struct {
	instance *Instance
	field    string // "" unless what was asked for is wrong
	message  string
	skip     SkipReason
}

// chooseNumber picks the number of a text or an image (companion-api.md section 8,
// "Number used"): the explicit one, which is never replaced by another; else the
// primary, else the first that is connected.
func chooseNumber(instances []Instance, explicit *int64) choice {
	if explicit != nil {
		return chooseExplicit(instances, *explicit)
	}
	for _, preferred := range []func(Instance) bool{
		func(v Instance) bool { return v.IsPrimary && v.connected() },
		func(v Instance) bool { return v.connected() },
	} {
		if i := slices.IndexFunc(instances, preferred); i >= 0 {
			return choice{instance: &instances[i]}
		}
	}
	return choice{skip: SkipNoInstance}
}

// chooseForTemplate picks the number of a template: its own, which an explicit one
// has to be.
func chooseForTemplate(instances []Instance, explicit *int64, owner int64) choice {
	if explicit == nil {
		return chooseOwn(instances, owner)
	}
	c := chooseExplicit(instances, *explicit)
	if c.instance != nil && c.instance.ID != owner {
		return choice{field: "instance_id", message: "The selected instance id does not own the template."}
	}
	return c
}

// chooseOwn takes the number that a conversation or a template belongs to.
func chooseOwn(instances []Instance, own int64) choice {
	if c := chooseExplicit(instances, own); c.instance != nil {
		return c
	}
	return choice{skip: SkipNoInstance}
}

func chooseExplicit(instances []Instance, id int64) choice {
	i := slices.IndexFunc(instances, func(v Instance) bool { return v.ID == id })
	switch {
	case i < 0:
		return choice{field: "instance_id", message: "The selected " + faults.Spoken("instance_id") + " is invalid."}
	case !instances[i].connected():
		return choice{field: "instance_id", message: "The selected " + faults.Spoken("instance_id") + " is not connected."}
	}
	return choice{instance: &instances[i]}
}
