using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>
/// What <c>oclgrind.sh</c> runs in a process of its own: a training step and a few tokens of each named model at small sizes, compared with the reference
/// evaluator. <c>profile</c> measures a step of the sample instead.
/// </summary>
internal static class Program
{
    private static void Main(string[] arguments)
    {
        if (arguments is ["profile", ..])
        {
            StepProfile.Run();
            return;
        }

        using var device = OpenClDevice.Open();
        foreach (var name in arguments)
        {
            if (name == KernelScoreConformance.Name)
            {
                KernelScoreConformance.Check(device, points: 70);
                Console.WriteLine($"{name}: all kernels have run");
                continue;
            }

            if (name == UnwrittenMemory.Name)
            {
                UnwrittenMemory.Copy(device);
                continue;
            }

            Conformance.CheckTraining(device, name, batch: 1, length: 3);
            Conformance.CheckGeneration(device, name, prompt: 3, count: 2);
            Conformance.CheckKernels(device, name);
            Console.WriteLine($"{name}: all kernels have run");
        }
    }
}
