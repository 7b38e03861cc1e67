using System.Diagnostics;
using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Ilgpu.Tests;

internal static class Program
{
    private static void Main(string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        using var device = arguments[0] == "cpu" ? Device.Simulator() : Support.Pocl.Open();
        foreach (var name in arguments[1..])
        {
            using var model = TestModels.Create(name, device);
            var reference = new Reference(model, TestModels.FileOf(name));
            reference.Randomize(1);
            reference.CheckTraining(2, 5, 1);
            Console.WriteLine($"{name} {clock.Elapsed} {device.Kernels.Count} kernels");
        }
    }
}
