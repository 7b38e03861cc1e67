using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>The models of the samples and of the test files by name.</summary>
internal static class ModelList
{
    /// <summary>A model with weights of zero.</summary>
    public static LanguageModel Create(string name, Device? device = null) => name switch
    {
        "LingNano" => new Ling.LingNano(device),
        "ChatTiny" => new Ling.LingTiny(device),
        _ => TestModels.Create(name, device),
    };

    /// <summary>As <see cref="TestModels.Randomized(string, int, Device)"/>.</summary>
    public static LanguageModel Randomized(string name, int seed, Device? device = null) => TestModels.Randomized(Create(name, device), seed);

    /// <summary>As <see cref="TestModels.Initialized"/>.</summary>
    public static LanguageModel Initialized(string name, ulong seed, Device? device = null)
    {
        var model = Create(name, device);
        model.Initialize(seed);
        return model;
    }

    /// <summary>The model beside the reference evaluator.</summary>
    public static Reference Reference(LanguageModel model, string name) =>
        new(model, name switch { "LingNano" => "ling.mdl", "ChatTiny" => "chat.mdl", _ => TestModels.FileOf(name) });
}
