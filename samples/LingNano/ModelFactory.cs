using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Ling.Sample;

/// <summary>The one place that names the generated class.</summary>
public static class ModelFactory
{
    public static LanguageModel Create(Device device, ulong seed) => LingNano.Create(device, seed);
}
