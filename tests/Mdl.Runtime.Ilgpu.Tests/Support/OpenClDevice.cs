using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>
/// OpenCL on the processor: PoCL, or Oclgrind when that runs the process. Neither announces the generic address space that ILGPU asks for, though all that
/// kernels point to through it is global memory: the one is told so by an option, the other by <c>--build-options</c> on its command line.
/// </summary>
internal static partial class OpenClDevice
{
    /// <summary>What a skipped test says.</summary>
    public const string Missing = "There is no OpenCL device; the Debian packages pocl-opencl-icd and ocl-icd-opencl-dev bring one for the processor.";

    private static readonly Lazy<bool> Installed = new(() => NativeLibrary.TryLoad("libOpenCL.so", out _) && Count() > 0);

    /// <summary>
    /// Whether PoCL optimises kernels, as drivers of users' devices do: at tests' sizes that takes longer than the kernels run, so that only MDL_OPENCL_OPTIMIZE=1 and
    /// measurements ask for it.
    /// </summary>
    public static bool Optimizes { get; set; } = Environment.GetEnvironmentVariable("MDL_OPENCL_OPTIMIZE") == "1";

    /// <summary>Whether there is an OpenCL device.</summary>
    public static bool IsInstalled => Installed.Value;

    public static IlgpuDevice Open()
    {
        var context = Create();
        var device = context.GetCLDevice(0);
        return new IlgpuDevice(context, device.CreateCLAccelerator(context));
    }

    private static int Count()
    {
        using var context = Create();
        return context.GetCLDevices().Count;
    }

    private static Context Create()
    {
        // The library reads the environment of the process, which .NET's own methods do not change.
        SetEnvironment("POCL_EXTRA_BUILD_FLAGS", "-D__generic=__global" + (Optimizes ? "" : " -cl-opt-disable"), 1);
        return Context.Create(builder => builder.Optimize(OptimizationLevel.O1).OpenCL(Accept));
    }

    private static bool Accept(CLDevice device)
    {
        var property = typeof(CLCapabilityContext).GetProperty("GenericAddressSpace", BindingFlags.Instance | BindingFlags.Public);
        property!.GetSetMethod(nonPublic: true)!.Invoke(device.Capabilities, [true]);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
